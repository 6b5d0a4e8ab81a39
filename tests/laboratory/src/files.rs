//! Files: the bucket, and the documents table in memory.

use std::collections::BTreeMap;

use jiff::Timestamp;
use registry::{Claim, Claimed, Looked, Open, RegistryError, Settled, Standing};
use shared_core::document::{Document, DocumentId, Source, State};
use shared_core::ids::CustomerId;

/// The name of the one bucket.
pub const BUCKET: &str = "documents";

/// A file that lands in the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Its key.
    pub key: &'static str,
    /// Its version; `None` in a bucket without versioning.
    pub version: Option<&'static str>,
    /// What is in it.
    pub content: &'static str,
    /// What is said of it beside its bytes.
    pub metadata: &'static [(&'static str, &'static str)],
}

impl File {
    /// A file of a customer, of which nothing more is said.
    pub const fn plain(key: &'static str) -> Self {
        Self { key, version: Some("v-1"), content: "all that is in the file", metadata: &[] }
    }

    /// The same, of which something is said that the vendor is told.
    pub const fn described(key: &'static str) -> Self {
        Self { metadata: &[("resistant-case-id", "case-1")], ..Self::plain(key) }
    }

    /// Its entity tag, without quotation marks, as S3's events have it.
    pub fn etag(&self) -> String {
        format!("tag-{}", self.content.len())
    }

    /// The id of S3's event of it.
    pub(crate) fn event_id(&self) -> String {
        format!("{} {}", self.key, self.etag())
    }

    /// As the functions know it.
    pub fn source(&self) -> Source {
        Source {
            bucket: BUCKET.to_owned(),
            key: self.key.to_owned(),
            version_id: self.version.map(str::to_owned),
            etag: Some(self.etag()),
        }
    }
}

/// The documents table.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    rows: BTreeMap<String, DocumentRow>,
}

/// A document's row.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// The record.
    pub document: Document,
    /// Who works on it, and until when.
    pub claim: (String, Timestamp),
    /// Whether the end of its submission was announced.
    pub announced: bool,
    /// How many looks at its result were begun.
    pub looks: u32,
    /// The results that are kept beside the record.
    pub results: Option<String>,
    /// Whether the end of its analysis was announced.
    pub told: bool,
}

impl DocumentRow {
    fn standing(&self) -> Standing {
        Standing { document: self.document.clone(), looks: self.looks, told: self.told }
    }
}

impl Documents {
    /// Every row.
    pub fn rows(&self) -> impl Iterator<Item = &DocumentRow> {
        self.rows.values()
    }

    /// One document's row.
    pub fn row(&self, id: &DocumentId) -> Option<&DocumentRow> {
        self.rows.get(id.as_str())
    }

    pub(crate) fn claim(
        &mut self,
        source: &Source,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Claimed {
        let id = DocumentId::of(source);
        let new = || DocumentRow {
            document: Document::claimed(source.clone(), now),
            claim: (owner.to_owned(), until),
            announced: false,
            looks: 0,
            results: None,
            told: false,
        };
        let row = self.rows.entry(id.as_str().to_owned()).or_insert_with(new);
        if row.document.ended() {
            return Claimed::Ended { document: Box::new(row.document.clone()), announced: row.announced };
        }
        if row.claim.0 != owner && row.claim.1 >= now {
            return Claimed::Busy { until: row.claim.1 };
        }
        row.claim = (owner.to_owned(), until);
        Claimed::Mine(Claim::granted(id, owner), Box::new(row.document.clone()))
    }

    pub(crate) fn save(&mut self, claim: &Claim, document: &Document) -> Result<(), RegistryError> {
        let row = self.rows.get_mut(claim.document_id().as_str());
        let row = row.filter(|row| row.claim.0 == claim.owner()).ok_or(RegistryError::ClaimLost)?;
        row.document = document.clone();
        Ok(())
    }

    /// Whether there was anything to give back.
    pub(crate) fn release(&mut self, claim: &Claim) -> bool {
        let row = self.rows.get_mut(claim.document_id().as_str());
        let row = row.filter(|row| row.claim.0 == claim.owner());
        row.map(|row| row.claim.1 = Timestamp::UNIX_EPOCH).is_some()
    }

    /// Whether there is such a document.
    pub(crate) fn mark_announced(&mut self, id: &DocumentId) -> bool {
        self.rows.get_mut(id.as_str()).map(|row| row.announced = true).is_some()
    }

    pub(crate) fn standing(&self, id: &DocumentId) -> Option<Standing> {
        self.row(id).map(DocumentRow::standing)
    }

    pub(crate) fn look(&mut self, id: &DocumentId, number: u32) -> Looked {
        let Some(row) = self.rows.get_mut(id.as_str()) else { return Looked::Unknown };
        if row.document.state != State::Submitted || row.looks >= number {
            return Looked::Not(Box::new(row.standing()));
        }
        row.looks = number;
        Looked::Begun(Box::new(row.standing()))
    }

    pub(crate) fn settle(
        &mut self,
        document: &Document,
        results: Option<&str>,
    ) -> Result<Settled, RegistryError> {
        let id = DocumentId::of(&document.source);
        let row = self.rows.get_mut(id.as_str());
        let row = row.ok_or_else(|| RegistryError::Unreadable {
            key: id.as_str().to_owned(),
            source: "no `record`".into(),
        })?;
        if row.document.state != State::Submitted {
            return Ok(Settled::Before(Box::new(row.standing())));
        }
        row.document = document.clone();
        row.results = results.map(str::to_owned);
        Ok(Settled::Now)
    }

    /// Whether there is such a document.
    pub(crate) fn mark_told(&mut self, id: &DocumentId) -> bool {
        self.rows.get_mut(id.as_str()).map(|row| row.told = true).is_some()
    }

    /// All of them: no customer of the laboratory has more than fit on a page.
    pub(crate) fn open(&self, customer_id: &CustomerId) -> Open {
        let mut documents: Vec<Document> = self
            .rows()
            .map(|row| &row.document)
            .filter(|document| document.customer_id.as_ref() == Some(customer_id) && !document.settled())
            .cloned()
            .collect();
        documents.sort_by_key(|document| document.first_seen);
        Open { documents, more: false }
    }
}
