//! Tests of the parts that need no server.

mod statements;
mod values;
