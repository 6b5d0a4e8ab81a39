//! A small S3: versions with metadata and tags, ranges and `If-Match`, checksums, streamed, with reads
//! that can be made to break or to lie.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _, stream};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::content::Content;

/// One version of one object.
#[derive(Clone, Debug)]
struct Version {
    /// The bucket keeps no others where there is none.
    id: Option<String>,
    etag: String,
    content: Content,
    checksum: Told,
    said: Said,
}

/// A checksum as S3 tells it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The end of its header's name.
    pub algorithm: &'static str,
    /// Base64, with `-<parts>` where it is composite.
    pub value: String,
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub kind: &'static str,
}

/// What is said of an object beside its bytes.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// User metadata, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Its checksum, where it is not the one that S3 computes itself.
    pub checksum: Option<Told>,
}

impl Said {
    /// Metadata and tags, as pairs of key and value.
    pub fn new(metadata: &[(&str, &str)], tags: &[(&str, &str)]) -> Self {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        Self { metadata: owned(metadata), tags: owned(tags), checksum: None }
    }
}

/// What is configured for every bucket.
#[derive(Clone, Debug)]
pub struct Configured {
    /// `Enabled` or `Suspended`; never set where there is none.
    pub versioning: Option<&'static str>,
    /// The queue that is told of new objects.
    pub notifies: Option<&'static str>,
    /// The account that they belong to.
    pub owner: &'static str,
}

impl Default for Configured {
    fn default() -> Self {
        Self {
            versioning: Some("Enabled"),
            notifies: Some("arn:aws:sqs:us-east-1:000000000000:work"),
            owner: "000000000000",
        }
    }
}

#[derive(Debug, Default)]
struct Kept {
    configured: Configured,
    objects: BTreeMap<String, Vec<Version>>,
    cuts: Vec<u64>,
    alterations: Vec<Option<u64>>,
    successor: Option<Content>,
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
        let app = Router::new().fallback(answer).with_state(Arc::clone(&kept));
        let mut server = JoinSet::new();
        server.spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Self { kept, url, _server: server })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts an object; answers its version.
    pub fn put(&self, bucket: &str, key: &str, content: impl Into<Content>) -> String {
        self.put_with(bucket, key, content, Said::default())
    }

    /// Puts an object of which something is said; answers its version.
    pub fn put_with(&self, bucket: &str, key: &str, content: impl Into<Content>, said: Said) -> String {
        let version = Version::new(content.into(), said);
        let mut kept = self.kept.lock().expect("no panic under the lock");
        let versions = kept.objects.entry(format!("/{bucket}/{key}")).or_default();
        let id = format!("v{}", versions.len() + 1);
        versions.push(Version { id: Some(id.clone()), etag: id.clone(), ..version });
        id
    }

    /// Puts an object into a bucket that keeps no versions; answers its entity tag.
    pub fn put_unversioned(
        &self,
        bucket: &str,
        key: &str,
        content: impl Into<Content>,
        said: Said,
    ) -> String {
        let version = Version::new(content.into(), said);
        let etag = version.etag.clone();
        let mut kept = self.kept.lock().expect("no panic under the lock");
        kept.objects.insert(format!("/{bucket}/{key}"), vec![version]);
        etag
    }

    /// As soon as an object of a bucket without versions is read again, other content takes its place.
    /// The read that is under way goes on with the old one.
    pub fn replace_at_next_read(&self, content: impl Into<Content>) {
        self.kept.lock().expect("no panic under the lock").successor = Some(content.into());
    }

    /// Changes the tags of every version of an object, as anybody may at any time.
    pub fn tag(&self, bucket: &str, key: &str, tags: &[(&str, &str)]) {
        let mut kept = self.kept.lock().expect("no panic under the lock");
        for version in kept.objects.get_mut(&format!("/{bucket}/{key}")).into_iter().flatten() {
            version.said.tags = Said::new(&[], tags).tags;
        }
    }

    /// The bytes of an object's last version.
    pub fn content(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let kept = self.kept.lock().expect("no panic under the lock");
        let last = kept.objects.get(&format!("/{bucket}/{key}"))?.last()?;
        Some(last.content.frames(0..last.content.size()).flatten().collect())
    }

    /// Configures every bucket.
    pub fn configure(&self, configured: Configured) {
        self.kept.lock().expect("no panic under the lock").configured = configured;
    }

    /// Removes an object with all its versions.
    pub fn remove(&self, bucket: &str, key: &str) {
        self.kept.lock().expect("no panic under the lock").objects.remove(&format!("/{bucket}/{key}"));
    }

    /// The next reads break at these offsets of the object, one after the other.
    pub fn cut_at(&self, offsets: &[u64]) {
        self.kept.lock().expect("no panic under the lock").cuts = offsets.iter().rev().copied().collect();
    }

    /// The next reads have another byte at these offsets of the object than it was put with, one after the
    /// other.
    pub fn alter_at(&self, offsets: &[Option<u64>]) {
        self.kept.lock().expect("no panic under the lock").alterations =
            offsets.iter().rev().copied().collect();
    }

    /// The `Range` of each read so far, empty where it had none.
    pub fn reads(&self) -> Vec<String> {
        self.kept.lock().expect("no panic under the lock").reads.clone()
    }
}

impl Version {
    /// The only one of its key.
    fn new(content: Content, said: Said) -> Self {
        let checksum = said.checksum.clone().unwrap_or_else(|| Told {
            algorithm: "crc64nvme",
            value: content.crc64nvme(),
            kind: "FULL_OBJECT",
        });
        let etag = checksum.value.clone();
        Self { id: None, etag, content, checksum, said }
    }
}

async fn answer(kept: State<Arc<Mutex<Kept>>>, headers: HeaderMap, request: Request) -> Response {
    match request.method().as_str() {
        "PUT" => put(kept, request).await,
        _ => get(kept, headers, request).await,
    }
}

/// A whole object, into a bucket that keeps no versions.
async fn put(State(kept): State<Arc<Mutex<Kept>>>, request: Request) -> Response {
    let path = decoded(request.uri().path());
    let Ok(bytes) = axum::body::to_bytes(request.into_body(), usize::MAX).await else {
        return error(StatusCode::BAD_REQUEST, "IncompleteBody");
    };
    let version = Version::new(Content::from(bytes.to_vec()), Said::default());
    let etag = format!("\"{}\"", version.etag);
    kept.lock().expect("no panic under the lock").objects.insert(path, vec![version]);
    (StatusCode::OK, [("etag", etag)]).into_response()
}

async fn get(State(kept): State<Arc<Mutex<Kept>>>, headers: HeaderMap, request: Request) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let query = request.uri().query().unwrap_or_default();
    let wanted = query.split('&').find_map(|pair| pair.strip_prefix("versionId="));
    let path = decoded(request.uri().path());
    let tagging = asks_for(query, "tagging");
    let mut kept = kept.lock().expect("no panic under the lock");
    if let Some(what) = ["versioning", "notification"].into_iter().find(|what| asks_for(query, what)) {
        return bucket(&kept.configured, what, header("x-amz-expected-bucket-owner"));
    }
    if !tagging {
        kept.reads.push(header("range").to_owned());
    }
    let Some(versions) = kept.objects.get(&path) else { return error(StatusCode::NOT_FOUND, "NoSuchKey") };
    let found = match wanted {
        Some(wanted) => versions.iter().find(|version| version.id.as_deref() == Some(wanted)),
        None => versions.last(),
    };
    let Some(version) = found.cloned() else { return error(StatusCode::NOT_FOUND, "NoSuchVersion") };
    if tagging {
        return tag_set(&version);
    }
    let etag = format!("\"{}\"", version.etag);
    if !["", etag.as_str()].contains(&header("if-match")) {
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let from = header("range").strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok());
    let (cut, altered) = (kept.cuts.pop(), kept.alterations.pop().flatten());
    if let Some(successor) = kept.successor.take() {
        kept.objects.insert(path, vec![Version::new(successor, Said::default())]);
    }
    let checksum = (header("x-amz-checksum-mode") == "ENABLED").then_some(&version.checksum);
    send(&version, checksum, &etag, from, frames(&version.content, from.unwrap_or(0), cut, altered))
}

fn asks_for(query: &str, what: &str) -> bool {
    query.split('&').any(|pair| pair.trim_end_matches('=') == what)
}

/// A bucket's configuration (S3: GetBucketVersioning, GetBucketNotificationConfiguration).
fn bucket(configured: &Configured, what: &str, expected_owner: &str) -> Response {
    if !["", configured.owner].contains(&expected_owner) {
        return error(StatusCode::FORBIDDEN, "AccessDenied");
    }
    let body = match what {
        "versioning" => {
            let status = configured.versioning.map(|status| format!("<Status>{status}</Status>"));
            format!("<VersioningConfiguration>{}</VersioningConfiguration>", status.unwrap_or_default())
        }
        _ => {
            let queue = configured.notifies.map(|arn| {
                format!(
                    "<QueueConfiguration><Id>c</Id><Queue>{arn}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>"
                )
            });
            format!("<NotificationConfiguration>{}</NotificationConfiguration>", queue.unwrap_or_default())
        }
    };
    (StatusCode::OK, [("content-type", "application/xml")], body).into_response()
}

/// The content from an offset on, with what is to go wrong.
fn frames(
    content: &Content,
    from: u64,
    cut: Option<u64>,
    altered: Option<u64>,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + use<> {
    let cut = cut.filter(|cut| (from..content.size()).contains(cut));
    let mut offset = from;
    let frames = content.frames(from..cut.unwrap_or(content.size())).map(move |frame| {
        let at = altered.and_then(|altered| usize::try_from(altered.checked_sub(offset)?).ok());
        offset += frame.len() as u64;
        match at.filter(|at| *at < frame.len()) {
            Some(at) => {
                let mut frame = frame.to_vec();
                frame[at] ^= 1;
                Ok(frame.into())
            }
            None => Ok(frame),
        }
    });
    // What is sent before a cut must have left before the connection breaks.
    let end = stream::iter(cut).then(async |_| {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(std::io::Error::other("cut on purpose"))
    });
    stream::iter(frames).chain(end)
}

fn send(
    version: &Version,
    checksum: Option<&Told>,
    etag: &str,
    from: Option<u64>,
    frames: impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
) -> Response {
    let (all, start) = (version.content.size(), from.unwrap_or(0));
    let mut response = Response::builder()
        .status(if from.is_some() { 206 } else { 200 })
        .header("content-length", all.saturating_sub(start))
        .header("etag", etag);
    if let Some(id) = &version.id {
        response = response.header("x-amz-version-id", id);
    }
    if from.is_some() {
        response = response.header("content-range", format!("bytes {start}-{}/{all}", all.saturating_sub(1)));
    } else if let Some(Told { algorithm, value, kind }) = checksum {
        // Of the whole, so not with a part (S3: GetObject).
        response = response.header(format!("x-amz-checksum-{algorithm}"), value);
        response = response.header("x-amz-checksum-type", *kind);
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
