//! Results of an analysis: 404 until they are there, then one of the vendor's bodies.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::operations::Operation;
use crate::outcome::{Outcome, Status};
use crate::presign;
use crate::scene::Scene;
use crate::submissions::{self, Pipeline, Submission};
use crate::upload::Received;

const VERSION: &str = "simulated-1";

/// A finished analysis.
pub(crate) struct Analysis<'a> {
    submission: &'a Submission,
    received: &'a Received,
    outcome: Outcome,
    at: Timestamp,
    skipped_without_status: bool,
}

pub(crate) fn get(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let submission = &scene.world.submissions[submissions::find(scene, call)?];
    let operation = call.target.operation;
    if operation == Operation::GetDecision && !(submission.decision && scene.settings.decisions) {
        return Err(Answer::error(400, "enable_decision was not set for this submission"));
    }
    let analysis = Analysis::of(scene, submission).ok_or_else(not_found)?;
    match operation {
        Operation::GetFraud => fraud(scene, call, &analysis),
        Operation::GetContent => analysis.only(Pipeline::Fraud, Analysis::content),
        Operation::GetQuality => analysis.only(Pipeline::Quality, Analysis::quality),
        Operation::GetClassification => analysis.only(Pipeline::Classification, Analysis::classification),
        Operation::GetDecision => Ok(Answer::json(200, &analysis.decision(call.parameter("embed")))),
        _ => report(scene, call, &analysis),
    }
}

fn not_found() -> Answer {
    Answer::error(404, "Not found")
}

/// `presign` is in no document: the vendor's client sends it after a 400.
fn fraud(scene: &Scene<'_>, call: &Call, analysis: &Analysis<'_>) -> Result<Answer, Answer> {
    let with_metadata = call.flag("with_metadata")?;
    let presign = call.flag("presign")?;
    if scene.settings.presigned_results && !presign {
        return Err(Answer::error(400, "the result is too large"));
    }
    if presign {
        return Ok(Answer::json(200, &json!({ "download_url": analysis.download(scene, "fraud") })));
    }
    analysis.only(Pipeline::Fraud, |analysis| analysis.fraud(with_metadata))
}

fn report(scene: &Scene<'_>, call: &Call, analysis: &Analysis<'_>) -> Result<Answer, Answer> {
    let with_decision = call.flag("include_decision")?;
    let good = analysis.outcome.status == Status::Success && analysis.submission.pipeline == Pipeline::Fraud;
    if !good || (with_decision && !analysis.submission.decision) {
        return Err(Answer::error(409, "there is no good result to report on"));
    }
    Ok(Answer::json(200, &json!({ "download_url": analysis.download(scene, "report") })))
}

impl<'a> Analysis<'a> {
    /// `None` until it is finished.
    pub(crate) fn of(scene: &Scene<'_>, submission: &'a Submission) -> Option<Self> {
        let at = submission.finished(scene)?;
        let (received, outcome) = submission.outcome(scene)?;
        Some(Self {
            submission,
            received,
            outcome,
            at,
            skipped_without_status: scene.settings.skipped_without_status,
        })
    }

    fn download(&self, scene: &Scene<'_>, what: &str) -> String {
        presign::url(scene, &format!("/download/{}/{}/{what}", self.submission.cell, self.submission.id))
    }

    /// A result that exists for one pipeline only. Elsewhere it stays "not ready".
    fn only(&self, pipeline: Pipeline, success: impl FnOnce(&Self) -> Value) -> Result<Answer, Answer> {
        if self.submission.pipeline != pipeline {
            return Err(not_found());
        }
        let body = match self.outcome.status {
            Status::Success => self.with_common(success(self)),
            _ => self.unsuccessful(),
        };
        Ok(Answer::json(200, &body))
    }

    fn with_common(&self, mut body: Value) -> Value {
        body["status"] = "SUCCESS".into();
        body["analysis_time"] = self.at.to_string().into();
        body["deployment_version"] = VERSION.into();
        body["query_id"] = self.submission.query_id.clone().into();
        body["sha256"] = self.received.sha256.clone().into();
        body["mime_type"] = self.outcome.kind.mime_type().into();
        body
    }

    /// The query id is cut: these bodies allow it 256 characters, the request 1024.
    fn unsuccessful(&self) -> Value {
        let query_id = self.submission.query_id.as_ref().map(|id| id.chars().take(256).collect::<String>());
        let mut body = json!({
            "status": self.outcome.status,
            "message": "the simulated analysis did not succeed",
            "analysis_time": self.at.to_string(),
            "deployment_version": VERSION,
            "query_id": query_id,
        });
        if self.outcome.status == Status::InvalidInput {
            body["file_type"] = self.outcome.kind.file_type().into();
        }
        if let (Status::Skipped, true, Some(fields)) =
            (self.outcome.status, self.skipped_without_status, body.as_object_mut())
        {
            fields.remove("status");
        }
        body
    }

    pub(crate) fn fraud_body(&self) -> Value {
        match self.outcome.status {
            Status::Success => self.with_common(self.fraud(false)),
            _ => self.unsuccessful(),
        }
    }

    fn fraud(&self, with_metadata: bool) -> Value {
        json!({
            "file_type": self.outcome.kind.file_type(),
            "filtered_parsed_pages": [],
            "num_pages": 1,
            "score": self.outcome.score,
            "sample_metadata": { "producer": null, "title": "simulated" },
            "indicators": [indicator("fraud", with_metadata)],
            "document_tags": [],
        })
    }

    fn content(&self) -> Value {
        json!({ "file_type": self.outcome.kind.file_type(), "contents": [{ "page": 1, "text": "" }] })
    }

    fn quality(&self) -> Value {
        json!({
            "file_type": self.outcome.kind.file_type(),
            "score": "HIGH_QUALITY",
            "sample_metadata": {},
            "indicators": [indicator("quality", false)],
        })
    }

    fn classification(&self) -> Value {
        json!({ "document_classification": {
            "score": "CLASSIFIED",
            "document_type": "commercial_document",
            "detailed_type": "invoice",
            "issuer": null,
            "variant": null,
        } })
    }

    fn decision(&self, embed: Option<&str>) -> Value {
        let status = match (self.submission.pipeline, self.outcome.status) {
            (Pipeline::Fraud, Status::Success) => return self.decided(embed),
            (Pipeline::Fraud, status) => json!(status),
            _ => json!("INVALID_PIPELINE_CONFIG"),
        };
        json!({ "status": status, "message": "no decision was possible", "adaptive_decision_version": VERSION })
    }

    fn decided(&self, embed: Option<&str>) -> Value {
        let decision = match self.outcome.score.as_str() {
            "HIGH_RISK" => "DECLINED",
            "WARNING" => "MANUAL_REVIEW",
            _ => "APPROVED",
        };
        let mut fraud = json!({ "url": format!("/v2/submission/{}/fraud", self.submission.id) });
        if embed.is_some_and(|names| names.split(',').any(|name| name == "fraud")) {
            fraud["data"] = self.fraud_body();
        }
        json!({
            "status": "SUCCESS",
            "decision": decision,
            "decision_inputs": { "fraud": fraud },
            "adaptive_decision_version": VERSION,
            "reason": null,
        })
    }
}

fn indicator(origin: &str, with_metadata: bool) -> Value {
    let mut indicator = json!({
        "indicator_id": "simulated_indicator",
        "type": "INFO",
        "category": "simulated",
        "title": "Simulated",
        "description": "Made by a simulator.",
        "origin": origin,
    });
    if with_metadata {
        indicator["metadata"] = json!({ "pages": [1] });
    }
    indicator
}
