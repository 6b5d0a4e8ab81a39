//! Submits a file from S3 once, under its customer's tenant
