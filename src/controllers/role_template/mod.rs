//! RoleTemplates: from manifest to policy, and what holders and strangers there are.

pub mod events;
pub mod intake;
pub mod rogue;
pub mod status;
