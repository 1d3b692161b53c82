//! What surrounds the controllers: time, the client to Kubernetes, writes to Kubernetes, events,
//! credentials, who is believed in TLS, the planner's queue, leader election, health, metrics and logs. Nothing in here
//! decides about people.

pub mod backoff;
pub mod client;
pub mod clock;
pub mod events;
pub mod http;
pub mod leader;
pub mod metrics;
pub mod packed_status;
pub mod retry_after;
pub mod secrets;
pub mod shutdown;
pub mod status_writer;
pub mod telemetry;
pub mod trust;
pub mod workqueue;
