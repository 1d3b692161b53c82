//! Dispatch stands between the controllers and a target: one operation in flight per account, the
//! newest plan replaces a queued one, lanes, bounded concurrency, pace, batches and a breaker.
//!
//! The controllers submit [`Order`]s through a [`Handle`] and never wait. Everything comes back as a
//! [`Report`]. Every decision is made by `decide`, a pure state machine made of smaller ones; `actor`
//! makes the calls that it asks for, and writes pass the one `door`.

mod actor;
mod backoff;
mod batch;
mod blame;
mod bounded;
mod breaker;
mod call;
mod caller;
mod decide;
mod door;
mod handle;
pub mod inventory;
mod listings;
mod made;
mod member;
mod metrics;
pub mod order;
mod outcomes;
mod pace;
pub mod passwords;
mod proof;
mod queue;
mod record;
mod settings;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use actor::Command;
pub use handle::{Dispatch, Handle, Shared, Target};
pub use metrics::DispatchMetrics;
pub use order::{ConnectorKey, Effect, Event, Order, Outcome, Report};
pub use passwords::PasswordPolicy;
pub use settings::Settings;
