//! Documents, in the name of one customer. There is no way to a [`DataPlane`] without that customer's
//! credential, so no call can reach another tenant's documents.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::Deserialize;
use shared_core::ids::SubmissionId;
use shared_core::place::Cell;

use crate::analysis::{Analysis, ResultKind};
use crate::api::{Api, Call};
use crate::characteristics::Characteristics;
use crate::endpoints::CellEndpoints;
use crate::error::{CallError, TokenError};
use crate::exact_body::ExactBody;
use crate::jws;
use crate::submission::{NewSubmission, Removal, Submission, SubmissionAnswer};
use crate::token::Data;
use crate::upload_url::{UnsafeUploadUrl, UploadUrl};

/// The longest upload where no deadline ends it before: as long as a function can live.
const LONGEST_UPLOAD: Duration = Duration::from_secs(15 * 60);

/// The longest download of a result, whose size is bounded.
const LONGEST_DOWNLOAD: Duration = Duration::from_secs(30);

/// The Documents API with one customer's credential. Clones share its token.
#[derive(Clone)]
pub struct DataPlane {
    api: Api<Data>,
    endpoints: CellEndpoints,
}

/// What a probe of a credential found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It gets a token, and the token opens the API.
    Authorized,
    /// The token endpoint does not accept the client.
    ClientRefused {
        /// Its words.
        message: String,
    },
    /// It gets a token, and the API turns it away (401 or 403).
    CallRefused {
        /// The HTTP status.
        status: u16,
        /// The vendor's words.
        message: String,
    },
}

impl DataPlane {
    pub(crate) fn new(api: Api<Data>, endpoints: CellEndpoints) -> Self {
        Self { api, endpoints }
    }

    /// The same plane, whose calls all end by `deadline`.
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { api: self.api.with_deadline(deadline), endpoints: self.endpoints.clone() }
    }

    /// The cell of the credential.
    pub fn cell(&self) -> Cell {
        self.endpoints.cell()
    }

    /// Asks for a token ahead of the first call.
    ///
    /// # Errors
    /// There is none to be had.
    pub async fn warm(&self) -> Result<(), TokenError> {
        self.api.tokens().get(self.api.http()).await.map(|_| ())
    }

    /// Creates a submission. Every call that succeeds makes another one, and one whose answer is lost
    /// stays empty.
    ///
    /// # Errors
    /// The call's outcome.
    pub async fn create_submission(&self, new: &NewSubmission) -> Result<Submission, CallError> {
        let operation = "createSubmission";
        let call = self.api.call(operation, Method::POST, &["v2", "submission"]).json(new);
        let answer: SubmissionAnswer = self.api.send(call).await?.json(operation)?;
        Ok(Submission { id: answer.submission_id, upload_url: self.upload_url(&answer.upload_url) })
    }

    /// Sends the characteristics of a submission that was created with
    /// [`enable_characteristics`](NewSubmission::enable_characteristics). The URL that its creation
    /// answered is not used: the documented path is.
    ///
    /// # Errors
    /// The call's outcome, without the vendor's words: they may repeat what they refuse, and that may be
    /// personal data. The vendor does not say what it answers to a repeat.
    pub async fn put_characteristics(
        &self,
        id: &SubmissionId,
        known: &Characteristics,
    ) -> Result<(), CallError> {
        let call = self.submission("putSubmissionCharacteristics", Method::PUT, id, &["characteristics"]);
        self.api.send(call.json(known)).await.map(|_| ()).map_err(CallError::without_words)
    }

    /// Reads an upload URL back from a record, through the same guard as a new one.
    ///
    /// # Errors
    /// It may not be used.
    pub fn upload_url(&self, text: &str) -> Result<UploadUrl, UnsafeUploadUrl> {
        UploadUrl::check(text, &self.endpoints)
    }

    /// Passes a document of `length` bytes into a presigned URL: one PUT, frames not copied, constant
    /// memory. No token goes with it. It takes as long as it takes, up to the deadline or 15 minutes.
    ///
    /// # Errors
    /// The call's outcome, where [`CallError::Forbidden`] is what storage answers to a URL that has
    /// expired, and [`CallError::UnsafeAddress`] says that the URL's host has an address that is not
    /// public, so that no connection was made. A body that breaks, or that is not `length` bytes long, ends
    /// the upload as
    /// [`CallError::Unclear`], with the body's own error or [`WrongLength`](crate::WrongLength) among
    /// its sources.
    pub async fn upload<B>(&self, url: &UploadUrl, length: u64, body: B) -> Result<(), CallError>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let operation = "upload";
        let http = self.api.http();
        let request = http
            .client()
            .put(url.url().clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, length)
            .body(reqwest::Body::wrap(ExactBody::new(body, length)));
        let answer = http.send_document(LONGEST_UPLOAD, operation, request).await?;
        answer.ok(operation).map(|_| ())
    }

    /// The result of the fraud analysis.
    ///
    /// # Errors
    /// See [`result`](Self::result).
    pub async fn fraud(&self, id: &SubmissionId) -> Result<Option<Analysis>, CallError> {
        self.result(id, ResultKind::Fraud).await
    }

    /// The result of the quality analysis.
    ///
    /// # Errors
    /// See [`result`](Self::result).
    pub async fn quality(&self, id: &SubmissionId) -> Result<Option<Analysis>, CallError> {
        self.result(id, ResultKind::Quality).await
    }

    /// The result of the classification.
    ///
    /// # Errors
    /// See [`result`](Self::result).
    pub async fn classification(&self, id: &SubmissionId) -> Result<Option<Analysis>, CallError> {
        self.result(id, ResultKind::Classification).await
    }

    /// The result of the tenant's own rules.
    ///
    /// # Errors
    /// See [`result`](Self::result).
    pub async fn decision(&self, id: &SubmissionId) -> Result<Option<Analysis>, CallError> {
        self.result(id, ResultKind::Decision).await
    }

    /// A result, or `None` (404): not ready, or no such submission; the vendor does not tell them apart.
    ///
    /// # Errors
    /// The call's outcome.
    pub async fn result(&self, id: &SubmissionId, kind: ResultKind) -> Result<Option<Analysis>, CallError> {
        let operation = kind.operation();
        let answer = match self.api.send(self.submission(operation, Method::GET, id, &[kind.path()])).await {
            Ok(answer) => answer,
            Err(CallError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Analysis::read(kind, answer.text(operation)?).map(Some).ok_or_else(|| not_a_result(operation))
    }

    /// A result also where it is too large to be answered, or `None` as [`result`](Self::result) has it.
    ///
    /// Two forms of that are known, and neither is promised (vendor: its own client, and an older contract):
    /// a fraud result that is refused (400) comes on a second question, with `presign`, as a `download_url`;
    /// a decision redirects. Such a URL is not trusted: it passes the guard of upload URLs, no token goes
    /// there, and no more than 16 MiB are read.
    ///
    /// # Errors
    /// The call's outcome.
    pub async fn whole_result(
        &self,
        id: &SubmissionId,
        kind: ResultKind,
    ) -> Result<Option<Analysis>, CallError> {
        let operation = kind.operation();
        let call = || self.submission(operation, Method::GET, id, &[kind.path()]);
        let answer = self.api.answer(call()).await?;
        let text = if let Some(url) = answer.redirection() {
            self.download(operation, url).await?
        } else {
            match answer.ok(operation) {
                Ok(answer) => answer.text(operation)?,
                Err(CallError::NotFound { .. }) => return Ok(None),
                Err(CallError::Refused { status: 400, .. }) if kind == ResultKind::Fraud => {
                    let answer = self.api.send(call().query("presign", "true")).await?;
                    let elsewhere: Elsewhere = answer.json(operation)?;
                    self.download(operation, &elsewhere.download_url).await?
                }
                Err(error) => return Err(error),
            }
        };
        Analysis::read(kind, text).map(Some).ok_or_else(|| not_a_result(operation))
    }

    /// What lies at a URL that the vendor answered.
    async fn download(&self, operation: &'static str, url: &str) -> Result<String, CallError> {
        let refused = |refused: UnsafeUploadUrl| CallError::NotSent {
            operation,
            problem: "the URL of the result is not allowed",
            source: Some(Arc::new(refused)),
        };
        let url = self.upload_url(url).map_err(refused)?;
        let http = self.api.http();
        let request = http.client().get(url.url().clone());
        let answer = http.send_document(LONGEST_DOWNLOAD, operation, request).await?;
        answer.ok(operation)?.text(operation)
    }

    /// Removes a submission and its results for good.
    ///
    /// # Errors
    /// The call's outcome.
    pub async fn delete_submission(&self, id: &SubmissionId) -> Result<Removal, CallError> {
        match self.api.send(self.submission("deleteSubmission", Method::DELETE, id, &[])).await {
            Ok(_) => Ok(Removal::Deleted),
            Err(CallError::NotFound { .. }) => Ok(Removal::AlreadyGone),
            Err(CallError::Conflict { .. }) => Ok(Removal::Processing),
            Err(error) => Err(error),
        }
    }

    /// Whether the token endpoint accepts this client now, by a new token request. With a key pair this
    /// tells whose an application is: what accepts our key is ours.
    ///
    /// # Errors
    /// It said neither yes nor no.
    pub async fn client_accepted(&self) -> Result<bool, TokenError> {
        match self.api.tokens().fresh(self.api.http()).await {
            Ok(_) => Ok(true),
            Err(TokenError::InvalidClient { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Proves the credential: a new token, then a look at the result of a submission that does not
    /// exist. Any answer to that but 401 and 403 comes from behind the door.
    ///
    /// # Errors
    /// No answer that proves anything.
    pub async fn probe(&self) -> Result<Probe, CallError> {
        let operation = "probe";
        let id = nowhere().map_err(|jws::Unsigned| CallError::NotSent {
            operation,
            problem: "no random bytes could be had",
            source: None,
        })?;
        let token = match self.api.tokens().fresh(self.api.http()).await {
            Ok(token) => token,
            Err(TokenError::InvalidClient { message }) => return Ok(Probe::ClientRefused { message }),
            Err(source) => return Err(CallError::Token { operation, source }),
        };
        let call = self.submission(operation, Method::GET, &id, &[ResultKind::Fraud.path()]);
        match self.api.send_with(&token, &call).await {
            Ok(_) | Err(CallError::NotFound { .. } | CallError::Refused { status: 400, .. }) => {
                Ok(Probe::Authorized)
            }
            Err(CallError::Unauthorized { message, .. }) => Ok(Probe::CallRefused { status: 401, message }),
            Err(CallError::Forbidden { message, .. }) => Ok(Probe::CallRefused { status: 403, message }),
            Err(error) => Err(error),
        }
    }

    fn submission(&self, operation: &'static str, method: Method, id: &SubmissionId, rest: &[&str]) -> Call {
        let path = [&["v2", "submission", id.as_str()], rest].concat();
        self.api.call(operation, method, &path)
    }
}

/// Where a large result lies.
#[derive(Deserialize)]
struct Elsewhere {
    download_url: String,
}

fn not_a_result(operation: &'static str) -> CallError {
    CallError::Unclear { operation, problem: "the answer is not a result".to_owned(), source: None }
}

/// A random id in the form that the vendor's schema gives (a UUID has 36 characters).
fn nowhere() -> Result<SubmissionId, jws::Unsigned> {
    let hex = jws::random_hex()?;
    let uuid = format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..]);
    Ok(uuid.parse().expect("a UUID is a legal submission id"))
}
