//! Whether what is promised for a person's first day is in place.

use std::collections::{BTreeMap, BTreeSet};

use super::account::Assessment;
use super::parts::Inputs;
use crate::domain::desired::Desired;
use crate::domain::ids::ConnectorName;
use crate::domain::lifecycle::Stage;
use crate::domain::problem::NOT_APPLIED;
use crate::domain::record::{Record, RecordedFirstDay};

/// What is promised for the first day and is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Connectors in which something is due that is not there.
    pub missing: BTreeSet<ConnectorName>,
    /// Connectors in which something comes when it is due, and no earlier.
    pub later: BTreeSet<ConnectorName>,
    /// Whether it is known what is promised: each role can be decided.
    pub decided: bool,
}

impl Readiness {
    /// Whether all of it is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.decided && self.missing.is_empty() && self.later.is_empty()
    }
}

/// Looks at what was found of each account. `None` where the person neither works nor is about to.
pub(super) fn readiness(
    desired: &Desired,
    assessed: &BTreeMap<ConnectorName, Assessment>,
) -> Option<Readiness> {
    let stage = desired.lifecycle.stage;
    if !matches!(stage, Stage::Upcoming | Stage::Preboarding | Stage::Active) {
        return None;
    }
    let mut out = Readiness {
        decided: desired.roles.problems.is_empty(),
        ..Readiness::default()
    };
    for (name, account) in &desired.accounts {
        let is_due = stage == Stage::Active || account.due.is_early();
        if !is_due || !account.later.is_empty() {
            out.later.insert(name.clone());
        }
        if is_due && !assessed.get(name).is_some_and(is_there) {
            out.missing.insert(name.clone());
        }
    }
    Some(out)
}

/// Whether an account is there, with everything that it is to hold by now.
fn is_there(account: &Assessment) -> bool {
    let applied = |reason: &str| reason == NOT_APPLIED;
    account.goal.provides()
        && !account.additions_outstanding
        && account.record.as_ref().is_some_and(|r| r.id.is_some())
        && account.problems.iter().all(|p| applied(p.reason))
        && account.grants.values().all(|g| g.problem.is_none())
}

/// What is remembered of the first day from now on. That all of it was there is said of that day, and what
/// comes after does not unsay it; a first day that is another one is a question of its own.
pub(super) fn remembered(
    inputs: &Inputs<'_>,
    readiness: Option<&Readiness>,
    before: &Record,
) -> Option<RecordedFirstDay> {
    let known = before.first_day.clone();
    let Some(day) = &inputs.desired.first_day else {
        return known;
    };
    let known = known.filter(|known| known.date == day.date);
    let has_begun = inputs.desired.lifecycle.stage == Stage::Active;
    match readiness {
        Some(readiness) if has_begun && readiness.is_complete() => {
            known.or(Some(RecordedFirstDay {
                date: day.date,
                ready_at: inputs.now,
            }))
        }
        Some(_) if !has_begun => None,
        Some(_) | None => known,
    }
}
