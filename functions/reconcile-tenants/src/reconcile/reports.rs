//! Where reports lie, and between two invocations what is unfinished.

use std::fmt;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use runtime::BoxError;
use shared_core::failure::{Class, Classified};

/// A bucket of JSON objects. Each method is one call.
#[async_trait]
pub trait Reports: fmt::Debug + Send + Sync {
    /// An object's bytes; `None` where there is no such object.
    ///
    /// # Errors
    /// [`ReportsError`]
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ReportsError>;

    /// Writes an object, whole or not at all, in place of the one that has its key.
    ///
    /// # Errors
    /// [`ReportsError`]. It may be written all the same.
    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), ReportsError>;
}

/// A call that failed, or whose answer was lost.
#[derive(Debug, thiserror::Error)]
#[error("S3 {operation} failed for `{key}`")]
pub struct ReportsError {
    /// The operation.
    pub operation: &'static str,
    /// The key.
    pub key: String,
    /// Why.
    #[source]
    pub source: BoxError,
}

impl Classified for ReportsError {
    fn class(&self) -> Class {
        Class::Retry
    }
}

/// A bucket of Amazon S3. Every call names the account that must own it.
#[derive(Clone, Debug)]
pub struct S3 {
    client: Client,
    bucket: String,
    owner: String,
}

impl S3 {
    /// The bucket of this name, if the account `owner` owns it.
    pub fn new(aws: &aws_config::SdkConfig, bucket: &str, owner: &str) -> Self {
        Self { client: Client::new(aws), bucket: bucket.to_owned(), owner: owner.to_owned() }
    }
}

#[async_trait]
impl Reports for S3 {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ReportsError> {
        let call = self.client.get_object().bucket(&self.bucket).key(key);
        let output = match call.expected_bucket_owner(&self.owner).send().await {
            Ok(output) => output,
            // With `s3:ListBucket` granted, an object that is not there answers nothing else (S3: GetObject).
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(failed("GetObject", key, error)),
        };
        let body = output.body.collect().await.map_err(|error| failed("GetObject", key, error))?;
        Ok(Some(body.to_vec()))
    }

    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), ReportsError> {
        let call = self.client.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(body));
        let call = call.content_type("application/json").expected_bucket_owner(&self.owner);
        call.send().await.map(drop).map_err(|error| failed("PutObject", key, error))
    }
}

fn failed(operation: &'static str, key: &str, source: impl Into<BoxError>) -> ReportsError {
    ReportsError { operation, key: key.to_owned(), source: source.into() }
}
