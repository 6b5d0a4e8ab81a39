//! Real binaries behind a Lambda Runtime API, against real servers on loopback.
//!
//! [`World`](world::World) is everything around the functions but Lambda's event sources: the vendor's
//! simulator, Secrets Manager, DynamoDB in this process, and small stand-ins for KMS, SQS,
//! EventBridge and S3 that keep what they are told. A test plays the event source itself, so it decides
//! what is delivered, how often and in which order. The sandbox has the event sources too, and is slower.

pub mod compatibility;
pub mod content;
mod files;
pub mod messages;
pub mod objects;
pub mod openapi;
pub mod scenario;
pub mod services;
mod tables;
pub mod world;
