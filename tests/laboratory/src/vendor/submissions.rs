//! Submissions: created empty, uploaded once, analysed, deleted.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Vendor, gone};
use crate::request::Request;

/// How long an analysis takes: longer than an unclear call is waited for, so that who comes again may find
/// it busy.
pub(crate) const ANALYSIS: SignedDuration = SignedDuration::from_secs(20);

/// How long an upload URL is good for.
const URL_LIFE: SignedDuration = SignedDuration::from_secs(900);

/// A submission.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its id.
    pub id: String,
    /// The tenant's id.
    pub tenant: String,
    /// Its cell.
    pub cell: String,
    /// The caller's own id.
    pub query_id: String,
    /// Whether characteristics were announced.
    pub awaits: bool,
    /// The characteristics, and since when.
    pub told: Option<(Timestamp, Value)>,
    /// The bytes, and since when.
    pub uploaded: Option<(Timestamp, Bytes)>,
    /// Until when it may be uploaded.
    pub url_until: Timestamp,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Whether its analysis never ends.
    pub stuck: bool,
}

impl Submission {
    /// Whether it has anything of the document.
    pub fn is_empty(&self) -> bool {
        self.uploaded.is_none() && self.told.is_none()
    }

    fn began(&self) -> Option<Timestamp> {
        let (uploaded, _) = self.uploaded.as_ref()?;
        match self.awaits {
            true => self.told.as_ref().map(|(told, _)| *told.max(uploaded)),
            false => Some(*uploaded),
        }
    }

    /// Whether its analysis has ended by then.
    pub fn is_analysed(&self, now: Timestamp) -> bool {
        !self.stuck && self.began().is_some_and(|began| began + ANALYSIS <= now)
    }

    /// Whether it is being analysed.
    pub(crate) fn is_busy(&self, now: Timestamp) -> bool {
        self.began().is_some() && !self.is_analysed(now)
    }
}

impl Vendor {
    /// The submissions that exist: they go with their tenant.
    pub fn submissions(&self) -> impl Iterator<Item = &Submission> {
        self.submissions.iter().filter(|one| !one.deleted && self.tenants().any(|it| it.id == one.tenant))
    }

    /// Answers a call of the Documents API.
    pub(super) fn documents(&mut self, request: &Request, path: &[&str], now: Timestamp) -> (u16, Value) {
        let Some(bearer) = request.bearer.strip_prefix("data:") else {
            self.broken.push(format!("{} came to the data plane", request.bearer));
            return (401, json!({"message": "not a token of a tenant"}));
        };
        // A token dies with its application: whether it does is nowhere said, and this is the harder case.
        let Some(application) = self.applications().find(|one| one.id == bearer) else {
            return (401, json!({"message": "the token is of no application"}));
        };
        let (tenant, cell) = (application.tenant.clone(), application.cell.clone());
        let Some((id, rest)) = path.split_first() else {
            return self.submit(&request.json(), tenant, cell, now);
        };
        let of_tenant = |one: &&mut Submission| one.id == **id && one.tenant == tenant && !one.deleted;
        let Some(submission) = self.submissions.iter_mut().find(of_tenant) else { return gone(404) };
        match (request.method.as_str(), rest) {
            ("GET", [_]) if submission.is_analysed(now) => {
                let result = self.result.clone().unwrap_or(json!({"status": "SUCCESS", "score": "NORMAL"}));
                (200, result)
            }
            ("GET", [_]) => gone(404),
            ("PUT", ["characteristics"]) => match &submission.told {
                Some(_) if self.told_again != 200 => (self.told_again, json!({"message": "told before"})),
                told => {
                    let since = told.as_ref().map_or(now, |(since, _)| *since);
                    submission.told = Some((since, request.json()));
                    (200, Value::Null)
                }
            },
            ("DELETE", []) if submission.is_busy(now) => (409, json!({"message": "it is being processed"})),
            ("DELETE", []) => {
                submission.deleted = true;
                (204, Value::Null)
            }
            (method, path) => panic!("nobody knows {method} {}", path.join("/")),
        }
    }

    fn submit(&mut self, asked: &Value, tenant: String, cell: String, now: Timestamp) -> (u16, Value) {
        let id = self.id("submission");
        self.submissions.push(Submission {
            id: id.clone(),
            tenant,
            cell,
            query_id: asked["query_id"].as_str().unwrap_or_default().to_owned(),
            awaits: asked["enable_submission_characteristics"] == true,
            told: None,
            uploaded: None,
            url_until: now + URL_LIFE,
            deleted: false,
            stuck: self.stuck,
        });
        (200, json!({"submission_id": id, "upload_url": format!("https://uploads.s3.amazonaws.com/{id}")}))
    }

    /// Takes a document. That a second one would be taken is nowhere said, so nobody may try.
    pub(super) fn upload(&mut self, request: &Request, id: &str, now: Timestamp) -> (u16, Value) {
        if !request.bearer.is_empty() {
            self.broken.push("a token went with a document".to_owned());
        }
        let lives = |one: &&mut Submission| one.id == id && !one.deleted;
        let Some(submission) = self.submissions.iter_mut().find(lives) else { return gone(404) };
        if submission.url_until <= now {
            return (403, json!({"message": "Request has expired"}));
        }
        match &submission.uploaded {
            Some(_) => self.broken.push(format!("{id} was uploaded twice")),
            None => submission.uploaded = Some((now, request.body.clone())),
        }
        (200, Value::Null)
    }
}
