//! Where a document may be sent. The vendor returns a URL for each submission, and it is not trusted:
//! the guard decides here by the URL, and in `resolver` by the addresses of its host, before any
//! connection is made.

use std::fmt;

use url::{Host, Url};

use crate::endpoints::{CellEndpoints, is_loopback};

/// The longest URL that is read. A presigned one with a session token has about 2,000 characters.
const LONGEST: usize = 8192;

/// A presigned URL that has passed the guard. Whoever has it may write the document, so only
/// [`expose`](Self::expose) shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadUrl(Url);

/// A URL that a document must not be sent to. The URL itself is not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upload URL is refused: {problem}")]
pub struct UnsafeUploadUrl {
    /// The rule it breaks.
    pub problem: &'static str,
}

impl UploadUrl {
    /// The one door: `https`, a documented storage host of the cell's region, no user info, no port, no
    /// address literal (vendor: getting-started/domains-to-allowlist). In a local run: loopback only.
    ///
    /// URL parsers repair much: they drop tabs, turn `\` into `/` and `。` into `.`, decode a host's
    /// `%2e`, read `0x7f.1` as an address. What they would repair is refused, so that it does not matter
    /// how any parser would read it.
    pub(crate) fn check(text: &str, endpoints: &CellEndpoints) -> Result<Self, UnsafeUploadUrl> {
        let refused = |problem| UnsafeUploadUrl { problem };
        if text.len() > LONGEST {
            return Err(refused("it is longer than 8192 bytes"));
        }
        if !text.bytes().all(is_legal) {
            return Err(refused("it has a character that no URL has"));
        }
        let url = Url::parse(text).map_err(|_| refused("it is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it names a user"));
        }
        if url.fragment().is_some() {
            return Err(refused("it has a fragment"));
        }
        if !is_plain(text, &url) {
            return Err(refused("its host is not written plainly"));
        }
        let problem =
            if endpoints.is_local() { local(&url) } else { storage(&url, endpoints.cell().aws_region()) };
        match problem {
            Some(problem) => Err(refused(problem)),
            None => Ok(Self(url)),
        }
    }

    /// The URL, in clear: for the record that lets an interrupted upload go on.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

fn local(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        Some("it is not http")
    } else if !is_loopback(url) {
        Some("a local run sends documents to loopback addresses only")
    } else {
        None
    }
}

fn storage(url: &Url, region: &str) -> Option<&'static str> {
    if url.scheme() != "https" {
        return Some("it is not https");
    }
    if url.port().is_some() {
        return Some("it names a port");
    }
    let Some(Host::Domain(host)) = url.host() else { return Some("its host is not a name") };
    // A bucket's name may hold dots, but a certificate for `*.s3…` covers one label only.
    let bucket = [format!(".s3.{region}.amazonaws.com"), format!(".s3-object-lambda.{region}.amazonaws.com")]
        .iter()
        .map(String::as_str)
        .chain([".s3.amazonaws.com"])
        .find_map(|suffix| host.strip_suffix(suffix).map(str::to_owned));
    match bucket {
        Some(bucket) if is_label(&bucket) => None,
        _ => Some("its host is not a storage host of the cell's region"),
    }
}

/// The characters of RFC 3986, 2.
fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// Whether the parser found scheme, host and port just as they are written, letter case aside.
fn is_plain(text: &str, url: &Url) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    scheme.eq_ignore_ascii_case(url.scheme())
        && (authority.eq_ignore_ascii_case(host)
            || with_port.is_some_and(|written| authority.eq_ignore_ascii_case(&written)))
}

/// Whether a bucket, or an access point with its account, can have this name without a dot in it
/// (Amazon S3 User Guide: bucketnamingrules).
fn is_label(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.starts_with("xn--")
}

impl fmt::Debug for UploadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UploadUrl({}/[withheld])", self.0.origin().ascii_serialization())
    }
}

#[cfg(test)]
mod tests;
