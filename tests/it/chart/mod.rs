//! The Helm chart, with the real Helm on the real API server.

mod admission;
mod image;
mod initial_passwords;
mod lifecycle;
mod notifications;
mod objects;
mod rights;
mod stories;
mod values;
