//! The main job, told as stories: each with an operator, a namespace and real SCIM servers of its own.
//! Those that are public are told once more by `tests/it/chart/stories.rs`.

pub mod bad_input;
pub mod converged;
pub mod credentials;
pub mod deletion;
pub mod drift;
pub mod dry_run;
mod forgetful;
pub mod joiner;
pub mod killed;
mod kit_a;
pub mod kit_b;
pub mod leaver;
pub mod mover;
mod names;
pub mod outage;
mod own_pages;
pub mod policy;
mod random_order;
mod shared_target;
pub mod stolen;
mod unreadable;
