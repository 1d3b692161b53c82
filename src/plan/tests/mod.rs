//! Tests of the plan against a model of the targets: by table, and over random histories.

mod checks;
mod conservation;
mod history;

mod target;
mod town;
