//! Tests of the plan against a model of the targets: by table, and over random histories.

mod accounts;
mod checks;
mod company;
mod concerned;
mod conflicts;
mod conservation;
mod dates;
mod glance;
mod grace;
mod history;
mod limits;
mod listings;
mod moves;
mod offboarding;
mod offered;
mod on_leave;
mod orphans;
mod preboarding;
mod protected;
mod renaming;
mod rogue;
mod target;
mod town;
mod unfinished;
mod values;
