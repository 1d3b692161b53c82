//! Notices to administrators, by e-mail and webhook: one queue a sink, retried, and at most once for each event.
//!
//! A [`Notifier`] takes notices and never waits. Behind it each sink has a [`postman`] of its own, who writes into the
//! [`outbox`] that a notice is being handed over before that is done, and what came of it afterwards: so whoever
//! comes after a crash knows what was sent, and sends nothing twice.

mod bounded;
pub mod config;
mod files;
mod mail;
pub mod notice;
mod notifier;
pub mod outbox;
mod postman;
pub mod sink;
mod smtp;
pub mod stored;
mod webhook;

pub use config::{Config, ConfigError};
pub use notice::{Notice, NoticeId, Occasion};
pub use notifier::{Notifier, Running, Settings};
