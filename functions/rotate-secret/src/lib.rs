//! The Secrets Manager rotation of one credential
