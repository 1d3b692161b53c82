//! What an error means for the target, and how often an order that was not carried out goes again.

use crate::connectors::{ConnectorError, ErrorKind};

/// What one answer says about the target as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// It works; a refusal concerns this request alone.
    Works,
    /// It can't be told: it was not asked, or the answer was lost or made no sense.
    Unclear,
    /// It asks for a slower pace; the request was not carried out.
    Throttle,
    /// It fails for everyone; the request was not carried out.
    Outage,
}

impl Blame {
    /// What an error says.
    pub(super) fn of(error: &ConnectorError) -> Self {
        match error.kind {
            ErrorKind::Throttled => Self::Throttle,
            ErrorKind::Unreachable | ErrorKind::Unauthorized => Self::Outage,
            ErrorKind::OutcomeUnknown | ErrorKind::Nonsense | ErrorKind::PasswordNotKept => {
                Self::Unclear
            }
            ErrorKind::Forbidden
            | ErrorKind::Invalid
            | ErrorKind::Taken
            | ErrorKind::NotFound
            | ErrorKind::Changed
            | ErrorKind::Unsupported
            | ErrorKind::Ignored => Self::Works,
        }
    }

    /// Whether the request was certainly not carried out, so that dispatch may send it again.
    pub(super) fn not_carried_out(self) -> bool {
        matches!(self, Self::Throttle | Self::Outage)
    }
}

/// How often one order, or one part of it, came back without being carried out. Bounded: a request
/// that alone is answered so, while trials work, must not stop its target again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Returns {
    throttles: u8,
    outages: u8,
}

impl Returns {
    /// Throttles that one order may meet before it is reported as failed.
    pub(super) const THROTTLES: u8 = 12;
    /// Outages that one order may meet before it is reported as failed.
    pub(super) const OUTAGES: u8 = 3;

    /// Counts one more. Answers whether the order may go again.
    pub(super) fn may_go_again(&mut self, blame: Blame) -> bool {
        match blame {
            Blame::Throttle => self.throttles = self.throttles.saturating_add(1),
            Blame::Outage => self.outages = self.outages.saturating_add(1),
            Blame::Works | Blame::Unclear => return false,
        }
        self.throttles < Self::THROTTLES && self.outages < Self::OUTAGES
    }
}
