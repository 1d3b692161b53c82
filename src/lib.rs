//! Rollcall keeps every account a company has in line with its declared workforce.
//!
//! Data flows one way: [`api`] objects are read by [`controllers`] into checked [`domain`] values,
//! [`plan`] compares what policy desires with what a target shows, [`dispatch`] carries operations
//! out through a [`connectors`] protocol client, and outcomes come back as status, events, metrics
//! and [`audit`]. What a status says of a leaver becomes a [`report`], and goes with other notices to
//! administrators ([`notify`]). See `docs/architecture.md` for a walk along one employee.

pub mod api;
pub mod audit;
pub mod cli;
pub mod connectors;
pub mod controllers;
pub mod dispatch;
pub mod domain;
pub mod explain;
pub mod notify;
pub mod plan;
pub mod preview;
#[cfg(test)]
mod properties;
pub mod report;
pub mod runtime;
