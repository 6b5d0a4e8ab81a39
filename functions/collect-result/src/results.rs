//! Results that are too large for a record.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use shared_core::document::{DocumentId, Kept};

/// A result that may not be kept.
#[derive(Debug, thiserror::Error)]
#[error("putting the result into the bucket failed")]
pub struct ResultsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps results. Each method is one call.
#[async_trait]
pub trait Results: Send + Sync {
    /// Keeps a document's results, in the place of those that were kept of it before.
    ///
    /// # Errors
    /// [`ResultsError`]. They may be kept all the same.
    async fn put(&self, id: &DocumentId, json: &str) -> Result<Kept, ResultsError>;
}

/// A bucket of Amazon S3.
#[derive(Clone, Debug)]
pub struct S3 {
    client: Client,
    bucket: String,
    owner: String,
}

impl S3 {
    /// A bucket of the account `owner`.
    pub fn new(aws: &aws_config::SdkConfig, bucket: impl Into<String>, owner: impl Into<String>) -> Self {
        Self { client: Client::new(aws), bucket: bucket.into(), owner: owner.into() }
    }
}

#[async_trait]
impl Results for S3 {
    async fn put(&self, id: &DocumentId, json: &str) -> Result<Kept, ResultsError> {
        let key = key_of(id);
        let put = self.client.put_object().bucket(&self.bucket).key(&key).expected_bucket_owner(&self.owner);
        let put = put.content_type("application/json").body(json.as_bytes().to_vec().into());
        put.send().await.map_err(|error| ResultsError(error.into()))?;
        Ok(Kept::Bucket { bucket: self.bucket.clone(), key })
    }
}

/// Where a document's results lie in the bucket.
pub fn key_of(id: &DocumentId) -> String {
    format!("results/{}.json", id.as_str())
}
