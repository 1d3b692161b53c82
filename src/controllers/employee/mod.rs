//! One employee, from manifest to accounts and back: intake, gather, (desire, plan,) apply, outcome,
//! status, events, cleanup.

pub mod apply;
pub mod cleanup;
pub mod day_one;
pub mod events;
pub mod gather;
pub mod intake;
pub mod look;
mod offboarding;
pub mod orphans;
pub mod outcome;
pub mod outlook;
mod readiness;
pub mod record;
pub mod rehire;
pub mod revoked;
pub mod stalled;
pub mod status;
mod upcoming;
