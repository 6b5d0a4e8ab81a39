//! The object in S3: opened by version, with what it asks for; read as it is sent on, resumed where the
//! read breaks.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::types::Tag;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures::stream::{Stream, try_unfold};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use shared_core::document::{LARGEST_BYTES, Refusal, Source};

use crate::metadata::{self, Asked, Defaults};
use crate::submit::Stop;

/// How often a broken read is taken up again before the upload is given up.
const RESUMES: u32 = 5;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Reads objects of one account's buckets.
#[derive(Clone)]
pub(crate) struct Objects {
    client: Client,
    owner: String,
    defaults: Defaults,
}

/// An object that is open for reading.
pub(crate) struct Object {
    /// Its exact size.
    pub(crate) size_bytes: u64,
    /// What its metadata and tags ask for.
    pub(crate) asked: Asked,
    place: Place,
    body: SdkBody,
}

/// Where the object is read, also after a break: the entity tag pins the content.
struct Place {
    objects: Objects,
    source: Source,
    etag: Option<String>,
}

impl Objects {
    pub(crate) fn new(client: Client, owner: &str, defaults: Defaults) -> Self {
        Self { client, owner: owner.to_owned(), defaults }
    }

    /// Opens an object. Its size, class, metadata and version are known only now: events can be old.
    ///
    /// # Errors
    /// [`Stop::Refused`] where it cannot be submitted at all.
    pub(crate) async fn open(&self, source: &Source) -> Result<Object, Stop> {
        let etag = source.etag.clone().filter(|_| source.version_id.is_none());
        let output = self.get(source, etag, None).await.map_err(opening)?;
        let size_bytes = u64::try_from(output.content_length().unwrap_or_default()).unwrap_or_default();
        match size_bytes {
            0 => return Err(Refusal::Empty.into()),
            size if size > LARGEST_BYTES => return Err(Refusal::TooLarge(size).into()),
            _ => {}
        }
        let asked = self.asked(source, &output).await?;
        let place =
            Place { objects: self.clone(), source: source.clone(), etag: output.e_tag().map(str::to_owned) };
        Ok(Object { size_bytes, asked, place, body: output.body.into_inner() })
    }

    /// What the object asks for. Its metadata came with it; its tags are asked for only where it has
    /// some, which S3 tells to whom it would show them (S3: GetObject, `x-amz-tagging-count`).
    async fn asked(&self, source: &Source, output: &GetObjectOutput) -> Result<Asked, Stop> {
        if let Some(hidden @ 1..) = output.missing_meta() {
            // One of ours may be among them, and must not be passed over.
            let problem = format!(
                "{hidden} metadata values cannot be read, for S3 does not send what is not printable"
            );
            return Err(Refusal::Metadata(problem).into());
        }
        let tags = match output.tag_count() {
            Some(1..) => self.tags(source, output.version_id()).await?,
            _ => Vec::new(),
        };
        let tags = tags.into_iter().map(|tag| (tag.key, tag.value));
        Ok(metadata::read(self.defaults, output.metadata.clone().unwrap_or_default(), tags)?)
    }

    async fn tags(&self, source: &Source, version: Option<&str>) -> Result<Vec<Tag>, Stop> {
        let version = source.version_id.as_deref().or(version).map(str::to_owned);
        let call = self.client.get_object_tagging().bucket(&source.bucket).key(&source.key);
        let call = call.set_version_id(version).expected_bucket_owner(&self.owner);
        Ok(call.send().await.map_err(opening)?.tag_set)
    }

    async fn get(
        &self,
        source: &Source,
        etag: Option<String>,
        range: Option<String>,
    ) -> Result<GetObjectOutput, SdkError<GetObjectError>> {
        self.client
            .get_object()
            .bucket(&source.bucket)
            .key(&source.key)
            .set_version_id(source.version_id.clone())
            .set_if_match(etag)
            .set_range(range)
            .expected_bucket_owner(&self.owner)
            .send()
            .await
    }
}

impl Object {
    /// The bytes, in the frames that S3 sends, never gathered. A read that breaks is taken up where
    /// it broke; a read that ends early breaks.
    pub(crate) fn into_body(self) -> impl http_body::Body<Data = Bytes, Error = BoxError> + Send + 'static {
        let Self { size_bytes, asked: _, place, body } = self;
        StreamBody::new(frames(Reading { place, body, size_bytes, offset: 0, resumes: RESUMES }))
    }
}

struct Reading {
    place: Place,
    body: SdkBody,
    size_bytes: u64,
    offset: u64,
    resumes: u32,
}

fn frames(reading: Reading) -> impl Stream<Item = Result<Frame<Bytes>, BoxError>> + Send {
    try_unfold(reading, async |mut reading: Reading| {
        while reading.offset < reading.size_bytes {
            match reading.body.frame().await {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    reading.offset += data.len() as u64;
                    return Ok(Some((Frame::data(data), reading)));
                }
                Some(Err(error)) => reading.resume(error).await?,
                None => reading.resume("the object's bytes ended early".into()).await?,
            }
        }
        Ok(None)
    })
}

impl Reading {
    async fn resume(&mut self, error: BoxError) -> Result<(), BoxError> {
        if self.resumes == 0 {
            return Err(error);
        }
        self.resumes -= 1;
        tracing::info!(object.offset_bytes = self.offset, "the read from S3 broke and is resumed");
        let range = format!("bytes={}-", self.offset);
        let Place { objects, source, etag } = &self.place;
        let output = objects.get(source, etag.clone(), Some(range)).await.map_err(BoxError::from)?;
        let from = format!("bytes {}-", self.offset);
        if !output.content_range().is_some_and(|range| range.starts_with(&from)) {
            return Err("S3 did not resume where the read broke".into());
        }
        self.body = output.body.into_inner();
        Ok(())
    }
}

/// What S3's refusal says about the document. AccessDenied is ours to mend, so it is retried: with
/// `s3:ListBucket` granted, an object that is gone answers NoSuchKey instead (S3: GetObject).
fn opening<E>(error: SdkError<E>) -> Stop
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    match (error.code().unwrap_or_default(), status) {
        ("NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed", _) => Refusal::Gone.into(),
        ("InvalidObjectState", _) => Refusal::Archived.into(),
        ("PreconditionFailed", _) | (_, Some(412)) => Refusal::Replaced.into(),
        _ => Stop::Storage(Box::new(error)),
    }
}
