//! Stories of directories: OpenLDAP and Active Directory behind a real API server.

mod adoption;
mod bad_input;
mod faults;
pub mod kit;
mod long_names;
mod names;
mod passwords;
mod renamed_group;
mod working_life;
