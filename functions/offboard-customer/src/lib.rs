//! Deletes a customer's applications, tenant and secrets, with proof
