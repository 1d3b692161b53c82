//! The Helm chart, with the real Helm on the real API server.

mod stories;
