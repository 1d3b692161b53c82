//! Stories of directories: OpenLDAP and Active Directory behind a real API server.

mod adoption;
mod adoption_faults;
mod bad_input;
mod expiry;
mod faults;
mod killed_renames;
pub mod kit;
mod long_names;
mod names;
mod notes;
mod offboarding;
mod orphaned;
mod owners;
mod passwords;
mod posix_groups;
mod renamed_group;
mod restored;
mod working_life;
