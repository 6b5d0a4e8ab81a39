//! S3's checksum of an object, held against the bytes that are passed on.
//!
//! The SDK would verify it too, but too late and too little: after the last byte, which the vendor has by
//! then, and each answer by itself, so that a read that was resumed is never verified as a whole. It is
//! told not to (see [`S3`](crate::storage::S3)), so that nothing is hashed twice.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ChecksumType;
use aws_smithy_checksums::ChecksumAlgorithm;
use aws_smithy_checksums::http::HttpChecksum;

/// What S3 says that the bytes hash to, and what they have hashed to so far.
pub struct Checksum {
    algorithm: ChecksumAlgorithm,
    told: String,
    hashed: Box<dyn HttpChecksum>,
}

/// The bytes of an object were not those that S3 has a checksum of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes that were read do not have the {} that S3 tells of the object", .0.as_str())]
pub struct Altered(ChecksumAlgorithm);

impl Checksum {
    /// The checksum that came with the whole object. None where S3 has none of the whole, or only by an
    /// algorithm that is not known here: a composite one is a checksum of the parts' checksums (S3:
    /// checking object integrity).
    pub fn told(output: &GetObjectOutput) -> Option<Self> {
        if output.checksum_type() != Some(&ChecksumType::FullObject) {
            return None;
        }
        // The fastest first. Mostly there is one, and it is the first: S3 computes it itself.
        let told = [
            (ChecksumAlgorithm::Crc64Nvme, output.checksum_crc64_nvme()),
            (ChecksumAlgorithm::Crc32c, output.checksum_crc32_c()),
            (ChecksumAlgorithm::Crc32, output.checksum_crc32()),
            (ChecksumAlgorithm::Sha1, output.checksum_sha1()),
            (ChecksumAlgorithm::Sha256, output.checksum_sha256()),
        ];
        told.into_iter().find_map(|(algorithm, told)| Some(Self::new(algorithm, told?)))
    }

    /// A checksum as S3 writes it: in base64.
    fn new(algorithm: ChecksumAlgorithm, told: &str) -> Self {
        Self { algorithm, told: told.to_owned(), hashed: algorithm.into_impl() }
    }

    /// Takes the next bytes into account.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hashed.update(bytes);
    }

    /// Whether the bytes so far are all of the object, and the right ones.
    ///
    /// # Errors
    /// [`Altered`] where they are not.
    pub(crate) fn verify(self) -> Result<(), Altered> {
        if self.hashed.header_value() == *self.told { Ok(()) } else { Err(Altered(self.algorithm)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `123456789`, which catalogues of checksums give for each algorithm, in the form of S3.
    const KNOWN: [(ChecksumAlgorithm, &str); 5] = [
        (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
        (ChecksumAlgorithm::Crc32c, "4waSgw=="),
        (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
        (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
        (ChecksumAlgorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
    ];

    #[test]
    fn every_algorithm_of_s3_is_computed_as_s3_does() {
        for (algorithm, told) in KNOWN {
            for (bytes, verified) in
                [(["1234", "56789"], Ok(())), (["1234", "56780"], Err(Altered(algorithm)))]
            {
                let mut checksum = Checksum::new(algorithm, told);
                bytes.iter().for_each(|part| checksum.update(part.as_bytes()));
                assert_eq!(checksum.verify(), verified, "{algorithm:?}");
            }
        }
    }

    #[test]
    fn only_a_checksum_of_the_whole_is_taken() {
        let algorithm = |output| Checksum::told(&output).map(|checksum| checksum.algorithm);
        let output = || GetObjectOutput::builder().checksum_crc32("y/Q5Jg==").checksum_sha1("x");
        assert_eq!(algorithm(output().build()), None);
        assert_eq!(algorithm(output().checksum_type(ChecksumType::Composite).build()), None);
        let whole = || output().checksum_type(ChecksumType::FullObject);
        assert_eq!(algorithm(whole().build()), Some(ChecksumAlgorithm::Crc32));
        let both = whole().checksum_crc64_nvme("rosUhgp5mIg=").build();
        assert_eq!(algorithm(both), Some(ChecksumAlgorithm::Crc64Nvme));
        let unknown = GetObjectOutput::builder().checksum_type(ChecksumType::FullObject);
        assert_eq!(algorithm(unknown.checksum_xxhash64("x").build()), None);
    }
}
