//! Tests of dispatch: its pure parts against models, and the whole of it against a scripted
//! connector under paused time.

mod batch;
mod bench;
mod decide;
mod door;
mod faults;
mod flow;
mod members;
mod orders;
mod passwords;
mod proof;
mod queue;
mod scripted;
mod stops;
