//! The plan, pure: the ordered operations that turn what a target shows into what policy desires.
//!
//! [`person::plan`] is the entry. It assesses each account by itself and then lets removals run only
//! when the person's additions are confirmed everywhere.

mod account;
pub mod attributes;
pub mod first_day;
mod grants;
pub mod guard;
pub mod observation;
pub mod offboarding;
pub mod operation;
pub mod orphans;
pub mod parts;
pub mod person;
#[cfg(test)]
mod tests;

pub use account::HOLD_EXPIRED;
pub use account::offboarding::{LEGAL_HOLD, NO_SUCCESSOR, NOT_POSSIBLE, NOT_WRITTEN_TO};
pub use observation::{EntitlementView, Normalised, Observation, Successor};
pub use operation::{Lane, Operation};
pub use parts::{AccountPlan, Goal, Inputs, PersonPlan};
pub use person::plan;
