//! What the tests stand on: processes that end with the test, a control plane, applications, Helm, waiting.

pub mod audit_log;
pub mod authority;
pub mod controlplane;
pub mod database;
pub mod deployed;
pub mod directory;
pub mod helm;
pub mod mail;
pub mod mysql;
pub mod namespace;
pub mod oauth2;
pub mod openldap;
pub mod operator;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod samba;
pub mod scim_client;
pub mod targets;
pub mod trap;
pub mod wait;
pub mod wire_proxy;
