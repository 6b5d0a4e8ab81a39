//! How objects are read: by version where there is one, and only from their owner's bucket.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use shared_core::document::{Refusal, Source};

use crate::checksum::Checksum;
use crate::submit::Stop;

/// An error of any kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The bytes of an object, in the frames in which they come.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Where objects are kept. Each method is one call.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Opens an object, its bytes from `offset` on. With `etag`, only if its content still is that.
    ///
    /// # Errors
    /// [`StorageError`]
    async fn get(&self, source: &Source, etag: Option<&str>, offset: u64) -> Result<Opened, StorageError>;

    /// The tags of an object's version.
    ///
    /// # Errors
    /// [`StorageError`]
    async fn tags(
        &self,
        source: &Source,
        version: Option<&str>,
    ) -> Result<Vec<(String, String)>, StorageError>;
}

/// An object, open for reading.
pub struct Opened {
    /// How many bytes come: the exact size, where it is read from its beginning.
    pub size_bytes: u64,
    /// Where the bytes begin.
    pub offset: u64,
    /// Its entity tag, which pins its content.
    pub etag: Option<String>,
    /// Its version.
    pub version_id: Option<String>,
    /// Its user metadata.
    pub metadata: HashMap<String, String>,
    /// How many values of its metadata are not printable, and so are not told.
    pub hidden_metadata: usize,
    /// How many tags it has, as far as they may be read.
    pub tags: usize,
    /// The checksum of its whole content, where one is told.
    pub checksum: Option<Checksum>,
    /// Its bytes.
    pub body: Body,
}

/// Why an object cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It is not there.
    #[error("there is no such object")]
    Gone,
    /// Its storage class must be restored before it can be read.
    #[error("the object is archived")]
    Archived,
    /// It has other content by now.
    #[error("the object was replaced")]
    Replaced,
    /// All else, AccessDenied too: that is ours to mend, so it is no fault of the document. With
    /// `s3:ListBucket` granted, an object that is gone does not answer it (S3: GetObject).
    #[error("the call to S3 failed")]
    Call(#[source] BoxError),
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Gone => Refusal::Gone.into(),
            StorageError::Archived => Refusal::Archived.into(),
            StorageError::Replaced => Refusal::Replaced.into(),
            StorageError::Call(source) => Self::Storage(source),
        }
    }
}

/// Amazon S3. Every call names the account that must own the bucket.
#[derive(Clone, Debug)]
pub struct S3 {
    client: Client,
    owner: String,
}

impl S3 {
    /// The buckets of the account `owner`.
    pub fn new(aws: &aws_config::SdkConfig, owner: impl Into<String>) -> Self {
        // Its verification would cost a second hash and come too late: see `checksum`.
        let config = aws_sdk_s3::config::Builder::from(aws)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        Self { client: Client::from_conf(config.build()), owner: owner.into() }
    }
}

#[async_trait]
impl Storage for S3 {
    async fn get(&self, source: &Source, etag: Option<&str>, offset: u64) -> Result<Opened, StorageError> {
        let range = (offset > 0).then(|| format!("bytes={offset}-"));
        let call = self.client.get_object().bucket(&source.bucket).key(&source.key);
        let call = call.set_version_id(source.version_id.clone()).expected_bucket_owner(&self.owner);
        let call = call.set_if_match(etag.map(quoted)).set_range(range);
        // The operation's own field for this would also turn the SDK's verification on.
        let call = call.customize().mutate_request(|request| {
            request.headers_mut().insert("x-amz-checksum-mode", "ENABLED");
        });
        let output = call.send().await.map_err(refused)?;
        Ok(Opened {
            checksum: Checksum::told(&output),
            size_bytes: output.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            offset: output.content_range().map_or(Some(0), first_byte).unwrap_or_default(),
            etag: output.e_tag,
            version_id: output.version_id,
            metadata: output.metadata.unwrap_or_default(),
            hidden_metadata: count(output.missing_meta),
            tags: count(output.tag_count),
            body: output.body.into_inner().boxed_unsync(),
        })
    }

    async fn tags(
        &self,
        source: &Source,
        version: Option<&str>,
    ) -> Result<Vec<(String, String)>, StorageError> {
        let version = source.version_id.as_deref().or(version).map(str::to_owned);
        let call = self.client.get_object_tagging().bucket(&source.bucket).key(&source.key);
        let call = call.set_version_id(version).expected_bucket_owner(&self.owner);
        let tags = call.send().await.map_err(refused)?.tag_set;
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }
}

/// An entity tag as HTTP wants it (RFC 9110): S3's notifications carry it without quotes.
fn quoted(etag: &str) -> String {
    format!("\"{}\"", etag.trim_matches('"'))
}

fn count(told: Option<i32>) -> usize {
    told.and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
}

/// The first byte of a `Content-Range` (RFC 9110: `bytes 5-9/10`).
fn first_byte(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

fn refused<E>(error: SdkError<E>) -> StorageError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    match (error.code().unwrap_or_default(), status) {
        ("NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed", _) => StorageError::Gone,
        ("InvalidObjectState", _) => StorageError::Archived,
        ("PreconditionFailed", _) | (_, Some(412)) => StorageError::Replaced,
        _ => StorageError::Call(error.into()),
    }
}
