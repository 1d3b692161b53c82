//! The main job, told as stories: each with an operator, a namespace and real SCIM servers of its own.

mod api_server;
mod bad_input;
mod converged;
mod credentials;
mod deletion;
mod drift;
mod dry_run;
mod forgetful;
mod joiner;
mod killed;
mod kit_a;
mod kit_b;
mod leaver;
mod mover;
mod names;
mod one_bad_among_many;
mod outage;
mod own_pages;
mod paused;
mod planted_secret;
mod policy;
mod random_order;
mod reconcile_now;
mod shared_target;
mod stolen;
mod unreadable;
