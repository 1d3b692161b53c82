//! MySQL and MariaDB: connections, values, errors; and the users of MariaDB as accounts.

mod connection;
mod failure;
mod tables;
pub mod users;
mod values;

pub use connection::MySql;
