//! PostgreSQL: connections, values, errors; and its own roles as accounts.

mod connection;
mod failure;
mod param;
mod prepared;
mod tables;
pub mod users;

pub use connection::Postgres;
