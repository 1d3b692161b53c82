//! The main job, told as stories: each with an operator, a namespace and real SCIM servers of its own.
//! Those that are public are told once more by `tests/it/chart/stories.rs`.

mod api_server;
pub mod bad_input;
pub mod converged;
pub mod credentials;
pub mod deletion;
pub mod drift;
pub mod dry_run;
mod first_day;
mod forgetful;
mod grace;
pub mod joiner;
pub mod killed;
pub mod kit;
mod leader;
pub mod leaver;
mod moved_target;
pub mod mover;
mod names;
mod offboarding;
mod one_bad_among_many;
pub mod outage;
mod own_pages;
mod paused;
mod planted_secret;
pub mod policy;
mod preboarding;
mod protected;
mod random_order;
mod reconcile_now;
mod rotated;
mod shared_target;
pub mod stolen;
mod time_bound;
mod two_accounts;
mod unreadable;
mod untrusted;
