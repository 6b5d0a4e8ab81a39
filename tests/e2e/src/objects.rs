//! A small S3: versions with metadata and tags, ranges and `If-Match`, streamed, with reads that can be
//! made to break.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// One version of one object.
#[derive(Clone, Debug)]
struct Version {
    id: String,
    bytes: Bytes,
    said: Said,
}

/// What is said of an object beside its bytes.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// User metadata, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Said {
    /// Metadata and tags, as pairs of key and value.
    pub fn new(metadata: &[(&str, &str)], tags: &[(&str, &str)]) -> Self {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        Self { metadata: owned(metadata), tags: owned(tags) }
    }
}

#[derive(Debug, Default)]
struct Kept {
    objects: BTreeMap<String, Vec<Version>>,
    cuts: Vec<usize>,
    reads: Vec<String>,
}

/// The server.
#[derive(Debug)]
pub struct Objects {
    kept: Arc<Mutex<Kept>>,
    url: String,
    _server: JoinSet<()>,
}

impl Objects {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// Where there is no port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let kept = Arc::new(Mutex::new(Kept::default()));
        let app = Router::new().fallback(get).with_state(Arc::clone(&kept));
        let mut server = JoinSet::new();
        server.spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Self { kept, url, _server: server })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts an object; answers its version.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) -> String {
        self.put_with(bucket, key, bytes, Said::default())
    }

    /// Puts an object of which something is said; answers its version.
    pub fn put_with(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>, said: Said) -> String {
        let mut kept = self.kept.lock().expect("no panic under the lock");
        let versions = kept.objects.entry(format!("/{bucket}/{key}")).or_default();
        let id = format!("v{}", versions.len() + 1);
        versions.push(Version { id: id.clone(), bytes: bytes.into(), said });
        id
    }

    /// Changes the tags of every version of an object, as anybody may at any time.
    pub fn tag(&self, bucket: &str, key: &str, tags: &[(&str, &str)]) {
        let mut kept = self.kept.lock().expect("no panic under the lock");
        for version in kept.objects.get_mut(&format!("/{bucket}/{key}")).into_iter().flatten() {
            version.said.tags = Said::new(&[], tags).tags;
        }
    }

    /// Removes an object with all its versions.
    pub fn remove(&self, bucket: &str, key: &str) {
        self.kept.lock().expect("no panic under the lock").objects.remove(&format!("/{bucket}/{key}"));
    }

    /// The next reads break after so many bytes, one after the other.
    pub fn cut_after(&self, bytes: &[usize]) {
        self.kept.lock().expect("no panic under the lock").cuts = bytes.iter().rev().copied().collect();
    }

    /// The `Range` of each read so far, empty where it had none.
    pub fn reads(&self) -> Vec<String> {
        self.kept.lock().expect("no panic under the lock").reads.clone()
    }
}

async fn get(State(kept): State<Arc<Mutex<Kept>>>, headers: HeaderMap, request: Request) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let query = request.uri().query().unwrap_or_default();
    let wanted = query.split('&').find_map(|pair| pair.strip_prefix("versionId="));
    let path = decoded(request.uri().path());
    let tagging = query.split('&').any(|pair| pair.trim_end_matches('=') == "tagging");
    let mut kept = kept.lock().expect("no panic under the lock");
    if !tagging {
        kept.reads.push(header("range").to_owned());
    }
    let Some(versions) = kept.objects.get(&path) else { return error(StatusCode::NOT_FOUND, "NoSuchKey") };
    let found = versions.iter().find(|version| wanted.is_none_or(|wanted| version.id == wanted));
    let Some(version) = found.cloned() else { return error(StatusCode::NOT_FOUND, "NoSuchVersion") };
    if tagging {
        return tag_set(&version);
    }
    let etag = format!("\"{}\"", version.id);
    if !["", etag.as_str()].contains(&header("if-match")) {
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let from = header("range").strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok());
    let cut = kept.cuts.pop();
    send(&version, &etag, from, cut)
}

fn send(version: &Version, etag: &str, from: Option<usize>, cut: Option<usize>) -> Response {
    let (all, start) = (version.bytes.len(), from.unwrap_or(0));
    let rest = version.bytes.slice(start.min(all)..);
    let mut frames: Vec<Result<Bytes, std::io::Error>> = Vec::new();
    match cut.filter(|cut| *cut < rest.len()) {
        None => frames.extend(rest.chunks(65_536).map(|chunk| Ok(rest.slice_ref(chunk)))),
        Some(cut) => {
            frames.push(Ok(rest.slice(..cut)));
            frames.push(Err(std::io::Error::other("cut on purpose")));
        }
    }
    let mut response = Response::builder()
        .status(if from.is_some() { 206 } else { 200 })
        .header("content-length", rest.len())
        .header("etag", etag)
        .header("x-amz-version-id", &version.id);
    if from.is_some() {
        response = response.header("content-range", format!("bytes {start}-{}/{all}", all.saturating_sub(1)));
    }
    // What cannot be printed is counted and not sent (S3: user-defined metadata).
    let unprintable = |value: &&String| value.chars().any(char::is_control);
    let hidden = version.said.metadata.values().filter(unprintable).count();
    if hidden > 0 {
        response = response.header("x-amz-missing-meta", hidden);
    }
    for (key, value) in version.said.metadata.iter().filter(|(_, value)| !unprintable(value)) {
        response = response.header(format!("x-amz-meta-{key}"), value);
    }
    if !version.said.tags.is_empty() {
        response = response.header("x-amz-tagging-count", version.said.tags.len());
    }
    // What is sent before a cut must have left before the connection breaks.
    let frames = stream::iter(frames).then(async |frame| {
        if frame.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        frame
    });
    response.body(Body::from_stream(frames)).expect("a well-formed response")
}

fn tag_set(version: &Version) -> Response {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let tag = |(key, value): (&String, &String)| {
        format!("<Tag><Key>{}</Key><Value>{}</Value></Tag>", escaped(key), escaped(value))
    };
    let tags: String = version.said.tags.iter().map(tag).collect();
    let body = format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
    (StatusCode::OK, [("content-type", "application/xml")], body).into_response()
}

fn error(status: StatusCode, code: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    (status, [("content-type", "application/xml")], body).into_response()
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
