//! Files that are put into the bucket, and what became of them at the vendor.

use anyhow::Result;
use simulator::SubmissionState;

use crate::content::Content;
use crate::messages::notification;
use crate::objects::Said;
use crate::world::{BUCKET, World};

impl World {
    /// Puts a file into the bucket and delivers S3's notification of it.
    ///
    /// # Errors
    /// Those of [`settle`](Self::settle).
    pub async fn file(&self, key: &str, content: impl Into<Content>) -> Result<String> {
        let body = self.put(key, content, Said::default());
        self.settle("submit-document", &body).await?;
        Ok(body)
    }

    /// Puts a file of which something is said, and delivers S3's notification of it.
    ///
    /// # Errors
    /// Those of [`settle`](Self::settle).
    pub async fn file_with(&self, key: &str, said: Said) -> Result<String> {
        let body = self.put(key, b"%PDF-1.7".to_vec(), said);
        self.settle("submit-document", &body).await?;
        Ok(body)
    }

    /// Puts a file into the bucket; answers S3's notification of it.
    pub fn put(&self, key: &str, content: impl Into<Content>, said: Said) -> String {
        let content = content.into();
        let size = content.size();
        let version = self.objects.put_with(BUCKET, key, content, said);
        notification(key, &version, size).to_string()
    }

    /// The submissions that are there at the vendor.
    pub fn submissions(&self) -> Vec<SubmissionState> {
        let held = self.vendor.vendor().state().submissions;
        held.into_iter().filter(|one| one.deleted.is_none()).collect()
    }
}
