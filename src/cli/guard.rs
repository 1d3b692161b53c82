//! How many people may lose something before somebody has to approve it, in all applications together.

use clap::Args;

use crate::domain::guard::Limits;

/// The limits of the whole operator, beside those of each AppConnector.
#[derive(Debug, Args)]
pub(super) struct GuardArgs {
    /// Share of all Employees who may lose something within a connector's window, in all applications
    /// together; 100 is no limit.
    #[arg(long = "guard-max-percent", env = "ROLLCALL_GUARD_MAX_PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100), value_name = "PERCENT")]
    max_percent: u8,

    /// So many may whatever their share is.
    #[arg(
        long = "guard-always-allowed",
        env = "ROLLCALL_GUARD_ALWAYS_ALLOWED",
        default_value_t = 20,
        value_name = "PEOPLE"
    )]
    always_allowed: u32,

    /// Never more than these, where it is given.
    #[arg(
        long = "guard-max-removals",
        env = "ROLLCALL_GUARD_MAX_REMOVALS",
        value_name = "PEOPLE"
    )]
    max_removals: Option<u32>,
}

impl GuardArgs {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            most: self.max_removals,
            percent: self.max_percent,
            always: self.always_allowed,
        }
    }
}
