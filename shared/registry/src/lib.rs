//! Customers, documents, leases, requests and the audit trail, in DynamoDB
