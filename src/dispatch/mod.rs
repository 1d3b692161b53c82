//! Dispatch stands between the controllers and a target: one operation in flight per account, the
//! newest plan replaces a queued one, lanes, bounded concurrency, pace, batches and a breaker.
//!
//! The controllers submit [`Order`]s and never wait. Everything comes back as a [`Report`].

pub mod order;
