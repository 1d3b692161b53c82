//! Databases. Their own users as accounts ([`postgres::users`],
//! [`mysql::users`]), or the tables of an application
//! ([`tables`]) by statements of the manifest.

mod config;
mod database;
mod dialect;
pub mod mysql;
mod names;
pub mod postgres;
mod server;
mod spec;
mod statement;
pub mod tables;
mod value;

#[cfg(test)]
mod tests;

pub use self::config::{
    EntitlementStatements, OwnershipStatements, RevokingStatements, TablesConfig,
};
pub use self::database::{Database, Description, Query, Step, Verify};
pub use self::dialect::Dialect;
pub use self::server::{Purpose, ServerConfig};
pub use self::spec::PROTOCOL;
pub use self::statement::Statement;
pub use self::value::{Param, Row};
