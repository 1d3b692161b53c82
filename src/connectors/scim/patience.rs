//! Waiting in the middle of a listing. A server that allows a hundred requests a minute throttles a
//! listing of more pages than that each time: begun anew from the first page, it would never end.

use std::time::Duration;

use crate::connectors::{ConnectorError, ErrorKind};

/// Waits in a row before the listing is given up, and dispatch pauses the whole target.
const MOST_IN_A_ROW: u32 = 6;
/// The first wait where the server does not say how long. It doubles.
const FIRST: Duration = Duration::from_secs(1);
/// A server that wants to be left alone for longer ends the listing.
const LONGEST: Duration = Duration::from_mins(2);

/// How often in a row a server asked for patience.
#[derive(Debug, Default)]
pub(super) struct Patience(u32);

impl Patience {
    /// An answer came.
    pub(super) fn answered(&mut self) {
        self.0 = 0;
    }

    /// How long to wait before the same request is sent again; `None` where that makes no sense.
    pub(super) fn wait(&mut self, error: &ConnectorError) -> Option<Duration> {
        if error.kind != ErrorKind::Throttled || self.0 >= MOST_IN_A_ROW {
            return None;
        }
        let own = FIRST * 2_u32.pow(self.0);
        self.0 += 1;
        Some(error.retry_after.map_or(own, |asked| asked.max(FIRST)))
            .filter(|wait| *wait <= LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled(seconds: Option<u64>) -> ConnectorError {
        ConnectorError {
            retry_after: seconds.map(Duration::from_secs),
            ..ConnectorError::new(ErrorKind::Throttled, "slower")
        }
    }

    #[test]
    fn waits_as_long_as_it_is_told_else_longer_each_time_and_not_for_ever() {
        let mut patience = Patience::default();
        let seconds = |wait: Option<Duration>| wait.map(|w| w.as_secs());
        assert_eq!(seconds(patience.wait(&throttled(Some(7)))), Some(7));
        assert_eq!(seconds(patience.wait(&throttled(Some(0)))), Some(1));
        patience.answered();
        let own: Vec<_> = (0..7)
            .map(|_| seconds(patience.wait(&throttled(None))))
            .collect();
        let doubling = [1, 2, 4, 8, 16, 32].map(Some);
        assert_eq!(own, [&doubling[..], &[None]].concat());
        patience.answered();
        assert_eq!(patience.wait(&throttled(Some(3600))), None);
    }

    #[test]
    fn only_a_throttled_request_is_worth_waiting_for() {
        let refused = ConnectorError::new(ErrorKind::Forbidden, "no");
        assert_eq!(Patience::default().wait(&refused), None);
    }
}
