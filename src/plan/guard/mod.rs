//! The guard: no change takes more access away than its limits allow, unless somebody approves exactly
//! that (invariant 4).
//!
//! Every plan says what it takes away ([`Loss`]), whatever has to come before. One [`Gate`] a connector
//! gathers that until everyone is looked at whom the change concerns, and then lets the whole wave
//! through or holds it. What was let through within the window is in the [`Ledger`].

mod decide;
mod gate;
mod key;
mod ledger;
pub mod loss;
#[cfg(test)]
mod tests;

pub use decide::{Bounds, Excess, Limit, Overall, Verdict};
pub use gate::{Asked, Gate, Restored};
pub use ledger::{Approval, Ledger, Release};
pub use loss::{Cause, Loss, Taking};
