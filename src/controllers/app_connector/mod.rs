//! AppConnectors: from manifest to a running dispatch, and what its target shows.

pub mod connect;
pub mod events;
pub mod held;
pub mod intake;
pub mod orphan_claims;
pub mod orphan_matters;
mod orphan_status;
pub mod orphans;
pub mod sharing;
pub mod status;
