//! The simulator over real HTTP, as a client sees it.

mod answers;
mod applications;
mod clients;
mod contract;
mod documents;
mod faults;
mod openapi;
mod organization;
mod program;
mod tenants;
