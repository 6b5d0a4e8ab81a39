//! The simulator over real HTTP, as a client sees it.

mod applications;
mod clients;
mod documents;
mod organization;
mod tenants;
