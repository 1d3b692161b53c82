//! Tests of the connector's pure parts: tables and properties.

mod changes;
mod failures;
mod opening;
mod pages;
mod paths;
mod reading;

use super::path::AttributePath;
use crate::domain::ids::AttributeName;

fn paths(names: &[&str]) -> Vec<AttributePath> {
    names.iter().map(|name| path(name)).collect()
}

fn path(name: &str) -> AttributePath {
    match name {
        "manager" => AttributePath::manager(),
        _ => AttributePath::parse(&AttributeName::new(name)).unwrap(),
    }
}
