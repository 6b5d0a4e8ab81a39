//! The vendor's HTTP API: tokens, tenant management, documents
