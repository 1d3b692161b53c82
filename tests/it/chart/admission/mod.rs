//! What the API server refuses to whom, by the chart's admission policies: each rule refuses, and admits.

mod approvals;
mod conflicts;
mod kit;
mod objects;
mod privileged;
mod status;
