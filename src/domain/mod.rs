//! Policy, pure: who should hold what at one instant.
//!
//! Nothing in here does I/O, reads a clock, logs or awaits. The instant is always an argument. The
//! module compiles with its pure dependencies alone; `tests/it/purity.rs` holds it to that.

pub mod account;
pub mod adoption;
pub mod cel;
pub mod clues;
pub mod credentials;
pub mod desired;
pub mod facts;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod folded;
pub mod guard;
pub mod ids;
pub mod lifecycle;
pub mod limits;
pub mod mark;
pub mod matching;
pub mod offboarding;
pub mod orphans;
pub mod patterns;
pub mod places;
pub mod policy;
pub mod preparation;
pub mod problem;
pub mod record;
pub mod rehire;
pub mod roles;
pub mod small_set;
pub mod term;
pub mod usernames;
pub mod whose;
