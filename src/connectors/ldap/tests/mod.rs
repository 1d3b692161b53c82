//! Tests of the parts that need no server.

mod codes;
mod entries;
mod names;
