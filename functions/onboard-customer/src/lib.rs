//! Creates a customer's tenant, applications and secrets
