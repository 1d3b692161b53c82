//! What is told of leavers, and to whom.

mod command;
mod mail;
mod occasions;
mod outbox;
