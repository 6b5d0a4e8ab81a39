//! Where a document may be sent. The vendor returns a URL for each submission, and it is not trusted:
//! one guard, here, decides before any connection is made.

use std::fmt;

use url::{Host, Url};

use crate::endpoints::{CellEndpoints, is_loopback};

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
    pub(crate) fn check(text: &str, endpoints: &CellEndpoints) -> Result<Self, UnsafeUploadUrl> {
        let refused = |problem| UnsafeUploadUrl { problem };
        let url = Url::parse(text).map_err(|_| refused("it is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it names a user"));
        }
        if url.fragment().is_some() {
            return Err(refused("it has a fragment"));
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

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl fmt::Debug for UploadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UploadUrl({}/[withheld])", self.0.origin().ascii_serialization())
    }
}

#[cfg(test)]
mod tests {
    use shared_core::place::{Cell, Stage};

    use super::*;
    use crate::endpoints::Endpoints;

    fn check(text: &str) -> Result<UploadUrl, UnsafeUploadUrl> {
        UploadUrl::check(text, &Endpoints::new(Stage::Production).cell(Cell::Us1).unwrap())
    }

    #[test]
    fn the_documented_hosts_of_the_cells_region_pass() {
        for url in [
            "https://bucket.s3.us-east-1.amazonaws.com/key?X-Amz-Signature=x",
            "https://ap-1-2.s3-object-lambda.us-east-1.amazonaws.com/key",
            "https://bucket.s3.amazonaws.com/key",
            "https://bucket.s3.amazonaws.com:443/key",
            "HTTPS://BUCKET.S3.AMAZONAWS.COM/key",
        ] {
            assert!(check(url).is_ok(), "{url}");
        }
        let url = "https://bucket.s3.us-east-1.amazonaws.com/a%20b?X-Amz-Signature=a%2Fb";
        assert_eq!(check(url).unwrap().expose(), url);
    }

    #[test]
    fn everything_else_is_refused() {
        for url in [
            "",
            "nonsense",
            "/relative",
            "http://bucket.s3.us-east-1.amazonaws.com/key",
            "ftp://bucket.s3.us-east-1.amazonaws.com/key",
            "https://bucket.s3.eu-west-1.amazonaws.com/key",
            "https://s3.us-east-1.amazonaws.com/bucket/key",
            "https://.s3.us-east-1.amazonaws.com/key",
            "https://s3.amazonaws.com/bucket/key",
            "https://a.b.s3.amazonaws.com/key",
            "https://bucket.s3.amazonaws.com.evil.example/key",
            "https://bucket.s3.amazonaws.com./key",
            "https://evil.example/bucket.s3.amazonaws.com",
            "https://evil.example#.s3.amazonaws.com",
            "https://evil.example?.s3.amazonaws.com",
            "https://evil.example\\.s3.amazonaws.com/key",
            "https://evil.examples3.amazonaws.com/key",
            "https://xs3.amazonaws.com/key",
            "https://user@bucket.s3.amazonaws.com/key",
            "https://user:password@bucket.s3.amazonaws.com/key",
            "https://bucket.s3.amazonaws.com:8443/key",
            "https://bucket.s3.amazonaws.com/key#fragment",
            "https://127.0.0.1/key",
            "https://2130706433/key",
            "https://169.254.169.254/key",
            "https://[::1]/key",
            "https://[::ffff:169.254.169.254]/key",
            "https://localhost/key",
            "http://127.0.0.1:9001/key",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_local_run_goes_to_loopback_and_nowhere_else() {
        let cell =
            Endpoints::local(Stage::Production, "http://127.0.0.1:1").unwrap().cell(Cell::Us1).unwrap();
        for url in ["http://127.0.0.1:9/upload/x?signature=y", "http://[::1]:9/x", "http://localhost:9/x"] {
            assert!(UploadUrl::check(url, &cell).is_ok(), "{url}");
        }
        for url in
            ["https://bucket.s3.us-east-1.amazonaws.com/key", "http://10.0.0.1/x", "http://user@127.0.0.1/x"]
        {
            assert!(UploadUrl::check(url, &cell).is_err(), "{url}");
        }
    }

    #[test]
    fn neither_debug_nor_a_refusal_shows_the_signature() {
        let url = check("https://bucket.s3.amazonaws.com/key?X-Amz-Signature=very-private").unwrap();
        assert_eq!(format!("{url:?}"), "UploadUrl(https://bucket.s3.amazonaws.com/[withheld])");
        let refused = check("https://evil.example/key?X-Amz-Signature=very-private").unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("very-private"));
    }
}
