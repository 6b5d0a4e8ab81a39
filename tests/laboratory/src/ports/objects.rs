//! Objects in S3.

use async_trait::async_trait;
use bytes::Bytes;
use collect_result::results::{Results, ResultsError, key_of};
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use reconcile_tenants::reconcile::reports::{Reports, ReportsError};
use runtime::BoxError;
use shared_core::document::{DocumentId, Kept, Source};
use submit_document::storage::{Opened, Storage, StorageError};

use super::{Port, Struck};
use crate::fault::Service;
use crate::files::File;
use crate::world::World;

impl Port {
    async fn object(
        &self,
        operation: &'static str,
        source: &Source,
        etag: Option<&str>,
    ) -> Result<(File, bool), StorageError> {
        let struck = |trouble| StorageError::Call(Struck(trouble).into());
        let read = self.0.pass(Service::S3, operation, |world| {
            let cut = std::mem::take(&mut world.cut);
            (world.object(source), cut)
        });
        let (file, cut) = read.await.map_err(struck)?;
        let file = file.ok_or(StorageError::Gone)?;
        match etag.is_none_or(|etag| etag.trim_matches('"') == file.etag()) {
            true => Ok((file, cut)),
            false => Err(StorageError::Replaced),
        }
    }
}

#[async_trait]
impl Storage for Port {
    async fn get(&self, source: &Source, etag: Option<&str>, offset: u64) -> Result<Opened, StorageError> {
        let (file, cut) = self.object("GetObject", source, etag).await?;
        let bytes = file.content.as_bytes().get(offset as usize..).unwrap_or_default();
        let sent = if cut { &bytes[..bytes.len() / 2] } else { bytes };
        let mut frames = vec![Ok(Frame::data(Bytes::from_static(sent)))];
        frames.extend(cut.then(|| Err(BoxError::from("the connection broke"))));
        Ok(Opened {
            size_bytes: bytes.len() as u64,
            offset,
            etag: Some(format!("\"{}\"", file.etag())),
            version_id: file.version.map(str::to_owned),
            metadata: file.metadata.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            hidden_metadata: 0,
            tags: 0,
            checksum: None,
            body: StreamBody::new(stream::iter(frames)).boxed_unsync(),
        })
    }

    async fn tags(&self, source: &Source, _: Option<&str>) -> Result<Vec<(String, String)>, StorageError> {
        self.object("GetObjectTagging", source, None).await.map(|_| Vec::new())
    }
}

#[async_trait]
impl Results for Port {
    async fn put(&self, id: &DocumentId, json: &str) -> Result<Kept, ResultsError> {
        let (key, text) = (key_of(id), json.to_owned());
        let put =
            self.0.pass(Service::S3, "PutObject", |world| world.results.insert(key.clone(), text)).await;
        put.map_err(|trouble| ResultsError(Struck(trouble).into()))?;
        Ok(Kept::Bucket { bucket: "results".to_owned(), key })
    }
}

#[async_trait]
impl Reports for Port {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ReportsError> {
        let failed = |operation, source| ReportsError { operation, key: key.to_owned(), source };
        let read = self.0.pass(Service::S3, "GetObject", |world| {
            let cut = std::mem::take(&mut world.cut);
            (world.reports.get(key).cloned(), cut)
        });
        match read.await {
            Ok((body, false)) => Ok(body),
            Ok((_, true)) => Err(failed("GetObject", "the connection broke".into())),
            Err(trouble) => Err(failed("GetObject", Struck(trouble).into())),
        }
    }

    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), ReportsError> {
        let put = |world: &mut World| drop(world.reports.insert(key.to_owned(), body));
        let struck = |trouble| ReportsError {
            operation: "PutObject",
            key: key.to_owned(),
            source: Struck(trouble).into(),
        };
        self.0.pass(Service::S3, "PutObject", put).await.map_err(struck)
    }
}
