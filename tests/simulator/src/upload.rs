//! The storage behind `upload_url`, which behaves as S3 does for a presigned PUT.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

use crate::answer::Answer;
use crate::call::Call;
use crate::presign::{self, hex};
use crate::scene::Scene;

/// How much of a document is kept, for deciding its outcome.
const HEAD: usize = 64 * 1024;

/// What arrived of a document, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) head: Bytes,
}

/// What is refused before the first byte of the body is read.
pub(crate) fn admit(scene: &Scene<'_>, call: &Call) -> Result<(), Answer> {
    if call.header("transfer-encoding").is_some() {
        let message = "A header you provided implies functionality that is not implemented";
        return Err(Answer::s3(501, "NotImplemented", message));
    }
    presign::check(scene, call)?;
    if call.header("content-length").is_none() {
        return Err(Answer::s3(
            411,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header",
        ));
    }
    Ok(())
}

/// Reads a body in constant memory. `None` if it breaks off before its declared end, or here once as many
/// bytes have come as are `enough`.
pub(crate) async fn receive(mut body: Body, enough: Option<u64>) -> Option<Received> {
    let (mut size, mut hash, mut head) = (0, Sha256::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        size += u64::try_from(data.len()).ok()?;
        hash.update(&data);
        let room = HEAD.saturating_sub(head.len()).min(data.len());
        head.extend_from_slice(&data[..room]);
        if enough.is_some_and(|enough| size >= enough) {
            return None;
        }
    }
    Some(Received { size, sha256: hex(&hash.finalize()), head: head.into() })
}

/// Keeps what was received. Storage does not know whether the submission was deleted meanwhile.
pub(crate) fn store(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let received =
        call.upload.clone().ok_or_else(|| Answer::s3(400, "IncompleteBody", "The body is not whole"))?;
    let (now, again) = (scene.now, scene.settings.second_upload);
    let etag = format!("\"{}\"", &received.sha256[..32]);
    let found = scene.world.submissions.iter_mut().find(|submission| submission.id == call.target.submission);
    let submission = found.ok_or_else(|| Answer::s3(404, "NoSuchKey", "The key does not exist"))?;
    if !submission.uploads.is_empty() && !again {
        return Err(Answer::s3(412, "PreconditionFailed", "The object exists already"));
    }
    submission.uploads.push((now, received));
    Ok(Answer::empty(200).with("etag", etag))
}
