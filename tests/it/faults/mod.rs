//! What goes wrong in the wild, told as stories on the real API server. The table in `docs/faults.md` says
//! which test shows what.

mod changed_meanwhile;
mod huge;
mod inventory;
mod killed;
pub mod kinds;
mod leaving;
mod lies;
mod lost_answers;
mod orphans;
mod own_way;
mod stage;
mod throttled;
