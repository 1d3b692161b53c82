//! MySQL and MariaDB: connections, values, errors; and their users as accounts.

mod connection;
mod failure;
mod tables;
pub mod users;
mod values;

pub use connection::MySql;
