//! The object in S3: opened by version, with what it asks for; read as it is sent on, resumed where the
//! read breaks.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{Stream, try_unfold};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use shared_core::document::{LARGEST_BYTES, Refusal, Source};

use crate::checksum::{Altered, Checksum};
use crate::metadata::{self, Asked, Defaults};
use crate::storage::{Body, BoxError, Opened, Storage};
use crate::submit::Stop;

/// How often a broken read is taken up again before the upload is given up.
const RESUMES: u32 = 5;

/// Opens objects.
#[derive(Clone)]
pub(crate) struct Objects {
    storage: Arc<dyn Storage>,
    defaults: Defaults,
}

/// An object that is open for reading.
pub(crate) struct Object {
    /// Its exact size.
    pub(crate) size_bytes: u64,
    /// What its metadata and tags ask for.
    pub(crate) asked: Asked,
    place: Place,
    checksum: Option<Checksum>,
    body: Body,
}

/// Where the object is read, also after a break: the entity tag pins the content.
struct Place {
    storage: Arc<dyn Storage>,
    source: Source,
    etag: Option<String>,
}

impl Objects {
    pub(crate) fn new(storage: Arc<dyn Storage>, defaults: Defaults) -> Self {
        Self { storage, defaults }
    }

    /// Opens an object. Its size, class, metadata and version are known only now: events can be old.
    ///
    /// # Errors
    /// [`Stop::Refused`] where it cannot be submitted at all.
    pub(crate) async fn open(&self, source: &Source) -> Result<Object, Stop> {
        let etag = source.etag.as_deref().filter(|_| source.version_id.is_none());
        let mut opened = self.storage.get(source, etag, 0).await?;
        match opened.size_bytes {
            0 => return Err(Refusal::Empty.into()),
            size if size > LARGEST_BYTES => return Err(Refusal::TooLarge(size).into()),
            _ => {}
        }
        let asked = self.asked(source, &mut opened).await?;
        let Opened { size_bytes, etag, checksum, body, .. } = opened;
        let place = Place { storage: Arc::clone(&self.storage), source: source.clone(), etag };
        Ok(Object { size_bytes, asked, place, checksum, body })
    }

    /// What the object asks for. Its metadata came with it; its tags are asked for only where it has
    /// some, which S3 tells to whom it would show them (S3: GetObject, `x-amz-tagging-count`).
    async fn asked(&self, source: &Source, opened: &mut Opened) -> Result<Asked, Stop> {
        if opened.hidden_metadata > 0 {
            // One of ours may be among them, and must not be passed over.
            let hidden = opened.hidden_metadata;
            let problem = format!(
                "{hidden} metadata values cannot be read, for S3 does not send what is not printable"
            );
            return Err(Refusal::Metadata(problem).into());
        }
        let tags = match opened.tags {
            0 => Vec::new(),
            _ => self.storage.tags(source, opened.version_id.as_deref()).await?,
        };
        Ok(metadata::read(self.defaults, std::mem::take(&mut opened.metadata), tags)?)
    }
}

impl Object {
    /// The bytes, in the frames that S3 sends, never gathered. A read that breaks is taken up where
    /// it broke; a read that ends early breaks. Bytes that S3's checksum does not fit break it for good.
    pub(crate) fn into_body(self) -> impl http_body::Body<Data = Bytes, Error = BoxError> + Send + 'static {
        let Self { size_bytes, asked: _, place, checksum, body } = self;
        StreamBody::new(frames(Reading { place, body, checksum, size_bytes, offset: 0, resumes: RESUMES }))
    }
}

struct Reading {
    place: Place,
    body: Body,
    checksum: Option<Checksum>,
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
                    reading.take(&data)?;
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
    /// Takes bytes into account that are about to be passed on. The last ones are held back where the
    /// whole is not what S3 stored: without them an upload of an announced length never completes.
    fn take(&mut self, data: &Bytes) -> Result<(), Altered> {
        self.offset += data.len() as u64;
        if let Some(checksum) = &mut self.checksum {
            checksum.update(data);
        }
        let whole = self.offset >= self.size_bytes;
        self.checksum.take_if(|_| whole).map_or(Ok(()), Checksum::verify)
    }

    async fn resume(&mut self, error: BoxError) -> Result<(), BoxError> {
        if self.resumes == 0 {
            return Err(error);
        }
        self.resumes -= 1;
        tracing::info!(object.offset_bytes = self.offset, "the read from S3 broke and is resumed");
        let Place { storage, source, etag } = &self.place;
        let opened = storage.get(source, etag.as_deref(), self.offset).await?;
        if opened.offset != self.offset {
            return Err("S3 did not resume where the read broke".into());
        }
        self.body = opened.body;
        Ok(())
    }
}
