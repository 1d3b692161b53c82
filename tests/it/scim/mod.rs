//! The SCIM connector, alone: against real servers, and against answers written down by tests.

mod conformance;
mod conformance_groups;
mod dialects;
mod faults;
mod faults_listing;
mod faults_members;
mod oauth2;
mod revoking;
pub mod scripted;
pub mod tls;
mod versions;
