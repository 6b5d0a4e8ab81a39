//! Submissions: created empty, then uploaded, then analysed.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::outcome::{self, Outcome};
use crate::places::Cell;
use crate::presign;
use crate::scene::Scene;
use crate::upload::Received;

/// One document that a tenant has checked.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) application: String,
    pub(crate) cell: Cell,
    pub(crate) query_id: Option<String>,
    pub(crate) pipeline: Pipeline,
    pub(crate) decision: bool,
    pub(crate) characteristics_wanted: bool,
    /// When the characteristics first came.
    pub(crate) characteristics_at: Option<Timestamp>,
    /// The latest ones, as they were sent.
    pub(crate) characteristics: Option<Value>,
    /// Every whole upload, in order. The first is the one that is analysed.
    pub(crate) uploads: Vec<(Timestamp, Received)>,
    pub(crate) created: Timestamp,
    pub(crate) deleted: Option<Timestamp>,
}

/// Which analysis is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Pipeline {
    #[default]
    #[serde(rename = "FRAUD_ONLY")]
    Fraud,
    #[serde(rename = "CLASSIFICATION_ONLY")]
    Classification,
    #[serde(rename = "QUALITY_ONLY")]
    Quality,
}

impl Pipeline {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fraud => "FRAUD_ONLY",
            Self::Classification => "CLASSIFICATION_ONLY",
            Self::Quality => "QUALITY_ONLY",
        }
    }
}

impl Submission {
    /// When the analysis began: once everything it needs was there.
    fn began(&self) -> Option<Timestamp> {
        let (uploaded, _) = self.uploads.first()?;
        match self.characteristics_wanted {
            true => self.characteristics_at.map(|at| at.max(*uploaded)),
            false => Some(*uploaded),
        }
    }

    pub(crate) fn finished(&self, scene: &Scene<'_>) -> Option<Timestamp> {
        let at = self.began()? + SignedDuration::from_millis(i64::from(scene.settings.result_delay_ms));
        (at <= scene.now).then_some(at)
    }

    pub(crate) fn outcome(&self, scene: &Scene<'_>) -> Option<(&Received, Outcome)> {
        let (_, received) = self.uploads.first()?;
        let query_id = self.query_id.as_deref().unwrap_or_default();
        Some((received, outcome::decide(&scene.settings.outcomes, &received.head, query_id)))
    }
}

#[derive(Default, Deserialize)]
struct CreateSubmission {
    query_id: Option<String>,
    #[serde(default)]
    pipeline_configuration: Pipeline,
    #[serde(default)]
    enable_decision: bool,
    #[serde(default)]
    enable_submission_characteristics: bool,
}

pub(crate) fn create(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let asked = read(call)?;
    let (tenant, application) = owner(scene, call)?;
    let cell = call.target.cell.ok_or_else(|| Answer::error(403, "Forbidden"))?;
    let id = crate::fresh::submission_id();
    let mut body =
        json!({ "submission_id": id, "upload_url": presign::url(scene, &format!("/upload/{cell}/{id}")) });
    if asked.enable_submission_characteristics {
        body["submission_characteristics_upload_url"] = format!("/v2/submission/{id}/characteristics").into();
    }
    scene.world.submissions.push(Submission {
        id,
        tenant,
        application,
        cell,
        query_id: asked.query_id,
        pipeline: asked.pipeline_configuration,
        decision: asked.enable_decision,
        characteristics_wanted: asked.enable_submission_characteristics,
        characteristics_at: None,
        characteristics: None,
        uploads: Vec::new(),
        created: scene.now,
        deleted: None,
    });
    Ok(Answer::json(200, &body))
}

fn read(call: &Call) -> Result<CreateSubmission, Answer> {
    if call.body.is_empty() {
        return Ok(CreateSubmission::default());
    }
    let asked: CreateSubmission =
        serde_json::from_slice(&call.body).map_err(|error| Answer::error(400, error.to_string()))?;
    if asked.query_id.as_ref().is_some_and(|id| id.chars().count() > 1024) {
        return Err(Answer::error(400, "query_id: is longer than 1024"));
    }
    Ok(asked)
}

/// The tenant and application that the token belongs to.
fn owner(scene: &Scene<'_>, call: &Call) -> Result<(String, String), Answer> {
    let token = call.bearer().and_then(|text| scene.world.tokens.get(text));
    token.and_then(|token| token.owner.clone()).ok_or_else(|| Answer::error(401, "Unauthorized"))
}

/// The caller's own submission, in this cell and not deleted. Another tenant's does not exist.
pub(crate) fn find(scene: &Scene<'_>, call: &Call) -> Result<usize, Answer> {
    let (tenant, _) = owner(scene, call)?;
    let found = scene.world.submissions.iter().position(|submission| {
        submission.id == call.target.submission
            && submission.tenant == tenant
            && Some(submission.cell) == call.target.cell
            && submission.deleted.is_none()
    });
    found.ok_or_else(|| Answer::error(404, "Not found"))
}

pub(crate) fn delete(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let at = find(scene, call)?;
    let submission = &scene.world.submissions[at];
    let busy = submission.began().is_some() && submission.finished(scene).is_none();
    let unuploaded = submission.uploads.is_empty() && scene.settings.delete_unuploaded_status == 409;
    if busy || unuploaded {
        return Err(Answer::error(409, "the submission is being processed"));
    }
    scene.world.submissions[at].deleted = Some(scene.now);
    Ok(Answer::empty(204))
}
