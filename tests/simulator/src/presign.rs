//! Presigned URLs: a path that carries its own expiry and signature.

use std::fmt::Write;

use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};

use crate::answer::Answer;
use crate::call::Call;
use crate::scene::Scene;

const DATE: &str = "%Y%m%dT%H%M%SZ";

/// An absolute URL of `path`, good from now on for as long as the settings say.
pub(crate) fn url(scene: &Scene<'_>, path: &str) -> String {
    let date = scene.now.strftime(DATE).to_string();
    let seconds = scene.settings.url_seconds;
    let signature = signature(scene, path, &date, &seconds.to_string());
    format!(
        "{}{path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}&X-Amz-Expires={seconds}\
         &X-Amz-SignedHeaders=host&X-Amz-Signature={signature}",
        scene.base_url
    )
}

/// Refuses what S3 refuses: a wrong or missing signature, a second way to authenticate, an expired
/// URL, headers of its own that were not signed.
pub(crate) fn check(scene: &Scene<'_>, call: &Call) -> Result<(), Answer> {
    if call.header("authorization").is_some() {
        return Err(Answer::s3(400, "InvalidArgument", "Only one auth mechanism allowed"));
    }
    let parameter =
        |name| call.parameter(name).ok_or_else(|| Answer::s3(403, "AccessDenied", "Access Denied"));
    let (date, seconds) = (parameter("X-Amz-Date")?, parameter("X-Amz-Expires")?);
    let own = signature(scene, &call.path, date, seconds);
    if parameter("X-Amz-Signature")? != own || call.header_names().any(|name| name.starts_with("x-amz-")) {
        return Err(Answer::s3(403, "SignatureDoesNotMatch", "The request signature does not match"));
    }
    match expiry(date, seconds) {
        Some(expiry) if expiry > scene.now => Ok(()),
        _ => Err(Answer::s3(403, "AccessDenied", "Request has expired")),
    }
}

fn expiry(date: &str, seconds: &str) -> Option<Timestamp> {
    let from = jiff::civil::DateTime::strptime(DATE, date).ok()?;
    let from = from.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    from.checked_add(SignedDuration::from_secs(seconds.parse().ok()?)).ok()
}

fn signature(scene: &Scene<'_>, path: &str, date: &str, seconds: &str) -> String {
    let tag = hmac::sign(scene.signing_key, format!("{path}\n{date}\n{seconds}").as_bytes());
    hex(tag.as_ref())
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
