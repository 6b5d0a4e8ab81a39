//! A reverse proxy before AWS's endpoints that records what each call does to what, and can hold, cut
//! and answer calls.
//!
//! One listener stands before each upstream. Headers pass as they come, `Host` and signature too;
//! bodies of S3 stream both ways, those of the JSON services are read to know their resource. Nothing
//! of a value is recorded: no secret, no item, no message.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use aws_parts::proxy::{Effect, Matcher, Proxy, Service};
//!
//! let proxy = Proxy::start(&[(Service::DynamoDb, "http://127.0.0.1:4566")]).await?;
//! // Hold the third PutItem of one function after the table has it and before the function knows.
//! proxy.rule(Matcher::any().action("PutItem").caller("onboard-customer").skip(2).times(1), Effect::HoldAfter);
//! let held = proxy.held().await;
//! // … kill the function …
//! proxy.cut(held[0].number);
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `call` | what is recorded |
//! | `identify` | a request's action, resources and conditions |
//! | `rule` | which calls are treated how |
//! | `gate` | the calls that are held |
//! | `server` | the listeners and the way to the upstream |

mod call;
mod gate;
mod identify;
mod rule;
mod server;

pub use call::{Call, Outcome, Service, Target};
pub use gate::{Held, Point};
pub use rule::{Effect, Matcher, RuleId};
pub use server::Proxy;
