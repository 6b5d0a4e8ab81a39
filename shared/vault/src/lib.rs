//! Secrets with their staging labels, and sealing, in Secrets Manager and KMS
