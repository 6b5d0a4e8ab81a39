//! What objects hold: bytes that are kept, or as many as are wanted, made as they are sent.

use std::ops::Range;
use std::sync::LazyLock;

use aws_smithy_checksums::ChecksumAlgorithm;
use axum::body::Bytes;
use sha2::{Digest as _, Sha256};

/// The most that is sent in one frame.
const FRAME: u64 = 64 * 1024;

/// How often made bytes repeat. A prime, so that no two frames of a document look alike for long.
const PERIOD: u64 = 65_521;

/// An object's content.
#[derive(Clone, Debug)]
pub enum Content {
    /// These bytes.
    Kept(Bytes),
    /// So many, held nowhere.
    Made(u64),
}

impl<T: Into<Bytes>> From<T> for Content {
    fn from(bytes: T) -> Self {
        Self::Kept(bytes.into())
    }
}

impl Content {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        match self {
            Self::Kept(bytes) => bytes.len() as u64,
            Self::Made(size) => *size,
        }
    }

    /// Some of it, in frames.
    pub(crate) fn frames(&self, range: Range<u64>) -> impl Iterator<Item = Bytes> + Send + use<> {
        let (content, end) = (self.clone(), range.end);
        let starts = range.step_by(usize::try_from(FRAME).expect("a frame fits into memory"));
        starts.map(move |start| content.piece(start..end.min(start + FRAME)))
    }

    fn piece(&self, range: Range<u64>) -> Bytes {
        static PATTERN: LazyLock<Bytes> =
            LazyLock::new(|| (0..PERIOD + FRAME).map(|at| ((at % PERIOD * 40_503) >> 8) as u8).collect());
        let position = |at: u64| usize::try_from(at).expect("a place in memory");
        match self {
            Self::Kept(bytes) => bytes.slice(position(range.start)..position(range.end)),
            Self::Made(_) => {
                let start = range.start % PERIOD;
                PATTERN.slice(position(start)..position(start + range.end - range.start))
            }
        }
    }

    /// Its SHA-256 in hexadecimal digits.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        self.frames(0..self.size()).for_each(|frame| hash.update(&frame));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The checksum that S3 computes of every object that comes with none.
    pub(crate) fn crc64nvme(&self) -> String {
        let mut hash = ChecksumAlgorithm::Crc64Nvme.into_impl();
        self.frames(0..self.size()).for_each(|frame| hash.update(&frame));
        hash.header_value().to_str().expect("base64").to_owned()
    }
}
