//! The vendor in memory: what its tenant management and its token endpoints do to a request, and
//! nothing of sockets, signatures or limits. A key pair is taken at its `kid`, which is its thumbprint.
//!
//! The simulator is the vendor as its contract describes it; one contract suite holds both.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::request::Request;

mod submissions;

pub use submissions::Submission;

/// The vendor.
#[derive(Clone, Debug)]
pub struct Vendor {
    /// How many tenants the organization may have.
    pub quota: usize,
    /// What a create beyond that is answered (undocumented).
    pub quota_status: u16,
    /// What deleting something that is not there is answered (undocumented for a tenant).
    pub gone_status: u16,
    /// What telling characteristics a second time is answered (undocumented).
    pub told_again: u16,
    /// What a result says, where not the usual.
    pub result: Option<Value>,
    /// Whether analyses that begin now never end.
    pub stuck: bool,
    /// How much later than usual what the next call writes is seen.
    pub lag: Lag,
    tenants: Vec<Tenant>,
    applications: Vec<Application>,
    submissions: Vec<Submission>,
    serial: u64,
    broken: Vec<String>,
}

/// How much later than usual a write is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// In listings.
    pub listing: SignedDuration,
    /// At the token endpoint.
    pub acceptance: SignedDuration,
}

/// A tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// From when on it is listed.
    pub listed_from: Timestamp,
    /// Until when it is listed, once it is deleted.
    pub listed_until: Option<Timestamp>,
}

/// An application.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its id.
    pub id: String,
    /// Its tenant's id.
    pub tenant: String,
    /// Its OAuth2 client id.
    pub client_id: String,
    /// Its cell.
    pub cell: String,
    /// The `kid` of its key, or its client secret.
    pub proof: Proof,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// From when on it is listed.
    pub listed_from: Timestamp,
    /// Until when it is listed, once it is deleted.
    pub listed_until: Option<Timestamp>,
    /// From when on it gets tokens.
    pub accepted_from: Timestamp,
}

/// How an application authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// With the key of this id.
    Key(String),
    /// With this secret.
    Secret(String),
}

impl Tenant {
    /// Whether it exists.
    pub fn lives(&self) -> bool {
        self.listed_until.is_none()
    }
}

impl Application {
    /// Whether it exists.
    pub fn lives(&self) -> bool {
        self.listed_until.is_none()
    }
}

/// Whether something is in a listing.
fn listed(from: Timestamp, until: Option<Timestamp>, now: Timestamp) -> bool {
    from <= now && until.is_none_or(|until| now < until)
}

impl Default for Vendor {
    fn default() -> Self {
        Self {
            quota: 20,
            quota_status: 429,
            gone_status: 404,
            told_again: 200,
            result: None,
            stuck: false,
            lag: Lag::default(),
            tenants: Vec::new(),
            applications: Vec::new(),
            submissions: Vec::new(),
            serial: 0,
            broken: Vec::new(),
        }
    }
}

impl Vendor {
    /// The tenants that exist.
    pub fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.iter().filter(|tenant| tenant.lives())
    }

    /// The applications that exist.
    pub fn applications(&self) -> impl Iterator<Item = &Application> {
        self.applications.iter().filter(|application| application.lives())
    }

    /// Whether a tenant or an application of this id exists.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.tenants().any(|tenant| tenant.id == id) || self.applications().any(|one| one.id == id)
    }

    /// Everything, what was deleted and is still listed too.
    pub(crate) fn everything(&self) -> (&[Tenant], &[Application]) {
        (&self.tenants, &self.applications)
    }

    /// Forgets what was deleted and is listed no more.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        self.tenants.retain(|tenant| tenant.listed_until.is_none_or(|until| now < until));
        self.applications.retain(|application| application.listed_until.is_none_or(|until| now < until));
        let tenants: Vec<String> = self.tenants().map(|tenant| tenant.id.clone()).collect();
        self.submissions.retain(|one| !one.deleted && tenants.contains(&one.tenant));
    }

    /// What it was asked for that nobody may ask for.
    pub(crate) fn broken(&self) -> &[String] {
        &self.broken
    }

    /// Whether the token endpoint would accept this credential's client now.
    pub fn accepts(&self, client_id: &str, proof: &Proof, now: Timestamp) -> Option<&Application> {
        self.applications().find(|application| {
            application.client_id == client_id
                && application.proof == *proof
                && application.accepted_from <= now
        })
    }

    /// Somebody else makes a tenant with an application, which are none of ours.
    pub fn stranger(&mut self, name: &str, now: Timestamp) -> (String, String) {
        let tenant = self.add_tenant(name, now);
        let proof = Proof::Key("a stranger's key".to_owned());
        (tenant.clone(), self.add_application(&tenant, "eu-1", proof, now))
    }

    /// Somebody makes an application in a tenant by hand.
    pub fn add_application(&mut self, tenant: &str, cell: &str, proof: Proof, now: Timestamp) -> String {
        let id = self.id("application");
        self.applications.push(Application {
            id: id.clone(),
            tenant: tenant.to_owned(),
            client_id: format!("client-of-{id}"),
            cell: cell.to_owned(),
            proof,
            scopes: vec!["documents.submissions.read", "documents.submissions.write"],
            listed_from: now + self.lag.listing,
            listed_until: None,
            accepted_from: now + self.lag.acceptance,
        });
        id
    }

    /// Somebody changes by hand what an application may do.
    pub fn allow(&mut self, id: &str, scopes: &[&'static str]) {
        for application in self.applications.iter_mut().filter(|one| one.id == id) {
            application.scopes = scopes.to_vec();
        }
    }

    /// Somebody gives a tenant another name by hand.
    pub fn rename(&mut self, id: &str, name: &str) {
        for tenant in self.tenants.iter_mut().filter(|tenant| tenant.id == id) {
            name.clone_into(&mut tenant.name);
        }
    }

    /// Somebody deletes a tenant with all that it has by hand.
    pub fn delete_by_hand(&mut self, tenant: &str) {
        self.tenants.retain(|one| one.id != tenant);
        self.applications.retain(|one| one.tenant != tenant);
    }

    /// Somebody deletes an application by hand.
    pub fn delete_application_by_hand(&mut self, id: &str) {
        self.applications.retain(|one| one.id != id);
    }

    fn add_tenant(&mut self, name: &str, now: Timestamp) -> String {
        let id = self.id("tenant");
        let listed_from = now + self.lag.listing;
        self.tenants.push(Tenant { id: id.clone(), name: name.to_owned(), listed_from, listed_until: None });
        id
    }

    fn id(&mut self, what: &str) -> String {
        self.serial += 1;
        format!("{what}-{}", self.serial)
    }

    /// Does what a request asks for, and answers it.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> (u16, Value) {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        match (request.host.as_str(), &path[..]) {
            ("eu.id.resistant.ai", ["oauth2", _, "v1", "token"]) => self.token(request, now),
            ("api.tenants.resistant.ai", ["v0", "tenants", rest @ ..]) => {
                if request.bearer != "control" {
                    self.broken.push(format!("{} came to the control plane", request.bearer));
                    return (401, json!({"message": "not a token of the organization"}));
                }
                self.manage(request, rest, now)
            }
            (_, ["v2", "submission", rest @ ..]) => self.documents(request, rest, now),
            ("uploads.s3.amazonaws.com", [id]) => self.upload(request, id, now),
            (host, _) => panic!("nobody knows {host}/{}", path.join("/")),
        }
    }

    fn manage(&mut self, request: &Request, path: &[&str], now: Timestamp) -> (u16, Value) {
        match (request.method.as_str(), path) {
            ("GET", []) => self.list_tenants(request, now),
            ("POST", []) => self.create_tenant(&request.json(), now),
            ("GET", [id]) => match self.tenants().find(|tenant| tenant.id == *id) {
                Some(tenant) => (200, tenant_json(tenant)),
                None => gone(404),
            },
            ("DELETE", [id]) => self.delete_tenant(id, now),
            ("GET", [tenant, "applications"]) => {
                if !self.tenants().any(|one| one.id == *tenant) {
                    return gone(404);
                }
                let ours = self
                    .applications
                    .iter()
                    .filter(|one| one.tenant == *tenant && listed(one.listed_from, one.listed_until, now));
                (200, json!({"items": ours.map(application_json).collect::<Vec<_>>()}))
            }
            ("POST", [tenant, "applications"]) => self.create_application(tenant, &request.json(), now),
            ("GET", [_, "applications", id]) => match self.applications().find(|one| one.id == *id) {
                Some(application) => (200, application_json(application)),
                None => gone(404),
            },
            ("DELETE", [_, "applications", id]) => self.delete_application(id, now),
            (method, path) => panic!("nobody knows {method} {}", path.join("/")),
        }
    }

    fn list_tenants(&self, request: &Request, now: Timestamp) -> (u16, Value) {
        let limit = request.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20);
        let all: Vec<&Tenant> = self
            .tenants
            .iter()
            .filter(|tenant| listed(tenant.listed_from, tenant.listed_until, now))
            .collect();
        let after = request.query("after_id");
        let from = match after {
            Some(after) => all.iter().position(|tenant| tenant.id == after).map_or(all.len(), |at| at + 1),
            None => 0,
        };
        let page = &all[from..all.len().min(from + limit)];
        let links = match page.last().filter(|_| from + page.len() < all.len()) {
            Some(last) => {
                json!({"next": {"href": format!("/tenants?limit={limit}&after_id={}", last.id)}})
            }
            None => json!({}),
        };
        let items: Vec<Value> = page.iter().map(|tenant| tenant_json(tenant)).collect();
        (200, json!({"items": items, "_links": links}))
    }

    fn create_tenant(&mut self, body: &Value, now: Timestamp) -> (u16, Value) {
        let name = body["name"].as_str().unwrap_or_default();
        if self.tenants().any(|tenant| tenant.name == name) {
            return (400, json!({"message": "the name is taken"}));
        }
        if self.tenants().count() >= self.quota {
            return (self.quota_status, json!({"message": "the quota is full"}));
        }
        self.add_tenant(name, now);
        (201, tenant_json(self.tenants.last().expect("it was just added")))
    }

    fn create_application(&mut self, tenant: &str, body: &Value, now: Timestamp) -> (u16, Value) {
        if !self.tenants().any(|one| one.id == tenant) {
            return gone(404);
        }
        let method = &body["auth_method"];
        let secret = format!("secret-{}-very-private", self.serial);
        let proof = match method["kid"].as_str() {
            Some(kid) => Proof::Key(kid.to_owned()),
            None => Proof::Secret(secret.clone()),
        };
        let shown = matches!(proof, Proof::Secret(_)).then_some(secret);
        self.add_application(tenant, body["cell"].as_str().unwrap_or_default(), proof, now);
        let mut answer = application_json(self.applications.last().expect("it was just added"));
        answer["credentials"] = json!({"type": method["type"], "client_secret": shown});
        (201, answer)
    }

    fn delete_tenant(&mut self, id: &str, now: Timestamp) -> (u16, Value) {
        if self.applications().any(|application| application.tenant == id) {
            return (400, json!({"message": "the tenant has applications"}));
        }
        let until = now + self.lag.listing;
        match self.tenants.iter_mut().find(|tenant| tenant.id == id && tenant.lives()) {
            Some(tenant) => tenant.listed_until = Some(until),
            None => return gone(self.gone_status),
        }
        (204, Value::Null)
    }

    fn delete_application(&mut self, id: &str, now: Timestamp) -> (u16, Value) {
        let until = now + self.lag.listing;
        match self.applications.iter_mut().find(|one| one.id == id && one.lives()) {
            Some(application) => application.listed_until = Some(until),
            None => return gone(self.gone_status),
        }
        (204, Value::Null)
    }

    fn token(&self, request: &Request, now: Timestamp) -> (u16, Value) {
        let form = request.form();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let (client_id, proof) = match (field("client_assertion"), &request.basic) {
            (Some(assertion), _) => {
                let part = |nth: usize| -> Value {
                    let part = assertion.split('.').nth(nth).unwrap_or_default();
                    let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
                    serde_json::from_slice(&bytes).unwrap_or_default()
                };
                let kid = part(0)["kid"].as_str().unwrap_or_default().to_owned();
                (part(1)["iss"].as_str().unwrap_or_default().to_owned(), Proof::Key(kid))
            }
            (None, Some(basic)) => {
                let text = String::from_utf8(STANDARD.decode(basic).unwrap_or_default()).unwrap_or_default();
                let (client, secret) = text.split_once(':').unwrap_or_default();
                (client.to_owned(), Proof::Secret(secret.to_owned()))
            }
            (None, None) => return (400, json!({"error": "invalid_request"})),
        };
        let scope = field("scope").unwrap_or_default();
        if scope.starts_with("tenants.") {
            return token("control");
        }
        match self.accepts(&client_id, &proof, now) {
            Some(application) => token(&format!("data:{}", application.id)),
            None => (401, json!({"error": "invalid_client"})),
        }
    }
}

fn token(text: &str) -> (u16, Value) {
    (200, json!({"access_token": text, "token_type": "Bearer", "expires_in": 86_400}))
}

fn gone(status: u16) -> (u16, Value) {
    (status, json!({"message": "does not exist"}))
}

fn tenant_json(tenant: &Tenant) -> Value {
    json!({"id": tenant.id, "name": tenant.name, "created": "c", "updated": "u", "cells": []})
}

fn application_json(application: &Application) -> Value {
    json!({
        "id": application.id, "client_id": application.client_id, "auth_server": "a",
        "cell": application.cell, "scopes": application.scopes
    })
}
