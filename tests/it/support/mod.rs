//! What the tests stand on: processes that end with the test, a control plane, SCIM servers, Helm, waiting.

pub mod controlplane;
pub mod deployed;
pub mod helm;
pub mod namespace;
pub mod oauth2;
pub mod operator;
pub mod process;
pub mod proxy;
pub mod scim_client;
pub mod targets;
pub mod wait;
