//! Tests of the plan against a model of the targets: by table, and over random histories.

mod accounts;
mod checks;
mod concerned;
mod conservation;
mod glance;
mod history;
mod listings;
mod moves;
mod offered;
mod protected;
mod target;
mod town;
mod values;
