//! How long the statuses of role templates and connectors gather changes: each looks at everyone, so
//! that in a large company it waits longer, and all looks together take a small part of the time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Work;

/// The least time that changes are gathered.
const LEAST: Duration = Duration::from_millis(500);
/// The longest.
const MOST: Duration = Duration::from_secs(30);
/// A look of one second is followed by so many seconds without one.
const REST: u32 = 40;

/// What the last look cost, where that is worth knowing.
#[derive(Debug, Default)]
pub(super) struct Costs(BTreeMap<Work, Duration>);

impl Costs {
    /// A look took so long.
    pub(super) fn note(&mut self, work: Work, took: Duration) {
        if took * REST > LEAST {
            self.0.insert(work, took);
        } else {
            self.0.remove(&work);
        }
    }

    /// How long changes are gathered before the next.
    pub(super) fn delay(&self, work: &Work) -> Duration {
        let took = self.0.get(work).copied().unwrap_or_default();
        (took * REST).clamp(LEAST, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RoleName;

    #[test]
    fn what_costs_more_is_done_less_often() {
        let work = Work::TemplateStatus("hr".into(), RoleName::new("all"));
        let mut costs = Costs::default();
        let mut after = |milliseconds| {
            costs.note(work.clone(), Duration::from_millis(milliseconds));
            costs.delay(&work)
        };
        assert_eq!(after(0), LEAST);
        assert_eq!(after(100), Duration::from_secs(4));
        assert_eq!(after(60_000), MOST);
        assert_eq!(after(1), LEAST);
        assert!(costs.0.is_empty(), "nothing is kept of what is cheap");
    }
}
