//! People with accounts in SCIM, OpenLDAP, Active Directory and PostgreSQL at once.

mod company;
mod killed_and_rotated;
mod lost_answers;
mod seen;
