//! Tests against a real Kubernetes API server and real applications.
//!
//! One binary, so that all tests share one control plane. They run in parallel, each in a namespace
//! and with servers of its own, and wait for conditions, never for time to pass.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod chart;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod databases;
#[cfg(test)]
mod directories;
#[cfg(test)]
mod documentation;
#[cfg(test)]
mod election;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod ground;
#[cfg(test)]
mod newcomer;
#[cfg(test)]
mod purity;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod scim;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod support;
#[cfg(test)]
mod validation;
