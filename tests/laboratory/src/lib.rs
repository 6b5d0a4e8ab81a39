//! The fault laboratory: the real flows over fast forms of everything outside them.
//!
//! The functions here are the ones that are deployed, from the batch that Lambda hands over to the verdict on
//! each of its messages. Only what lies beyond an external call is another: the table, the secrets, the
//! seals, the bus, the queues and the vendor are values in memory, held to the same contracts as the real
//! ones (`tests/contracts.rs`). So a delivery takes a fraction of a millisecond, a world can be copied and gone
//! back to, and every call passes one gate, where it is counted and where a fault can befall it.
//!
//! | module | holds |
//! |---|---|
//! | [`world`] | everything outside, as one value |
//! | [`vendor`], [`table`], [`files`] | the vendor, the customers table, the bucket and the documents table in memory; the secrets are those of `aws-parts` |
//! | [`fault`] | what can befall a call |
//! | `gate`, `ports` | where it does: each method of an adapter's trait is one call |
//! | [`lab`], [`delivery`] | the functions, and one delivery: a message, a rotation's step, a clean-up, a reconciliation, an operator's request |
//! | [`rotations`] | Secrets Manager's schedule: step after step, and again where one fails |
//! | [`run`], [`laws`] | delivering until nothing waits, and what must hold then and at every moment |
//! | [`scenarios`], [`strike`] | every single fault, every pair |
//! | [`closure`], [`normal`] | every reachable state |
//! | [`simulation`] | seeded schedules of many customers, side by side |
//!
//! ```sh
//! cargo test --workspace --test faults --test closure --test simulation --test flows --test by_hand --test reconciliation --test budgets --test documents --test contracts --test document_contracts
//! SEEDS=100000 cargo test --workspace --test simulation         # more schedules
//! SEED=7 cargo test --workspace --test simulation -- --nocapture    # one of them, call by call
//! python3 tests/laboratory/mutants.py                             # breaks the code and sees a test fail
//! ```
//!
//! What is not modelled: signatures (a key is taken at its thumbprint), limits of rates and sizes, IAM. What a
//! fault cannot do: a vendor's write lands, is listed and is accepted within the times that the flows wait
//! for, as `settle` says; a token that is refused twice in a row is refused; and the vendor does not say of a
//! submission that it is not there while it is, for nothing else tells of it.

mod clock;
pub mod closure;
pub mod delivery;
pub mod fault;
pub mod files;
mod gate;
mod keys;
pub mod lab;
pub mod laws;
pub mod normal;
mod ports;
mod request;
pub mod rotations;
pub mod run;
pub mod scenarios;
pub mod simulation;
pub mod strike;
pub mod table;
pub mod vendor;
pub mod world;

use jiff::Timestamp;

/// When every world begins.
pub const BEGINNING: Timestamp = Timestamp::constant(1_800_000_000, 0);
