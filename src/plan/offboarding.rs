//! Where each step of offboarding an account stands.

use jiff::Timestamp;

use crate::domain::offboarding::{Done, Offboarding, Reached, Step};
use crate::domain::problem::Problem;

/// One step, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepPlan {
    /// Which.
    pub step: Step,
    /// How often it was tried.
    pub attempts: u32,
    /// Where it stands.
    pub stand: Stand,
}

/// Where one step stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It is to be done now.
    Due,
    /// It comes by itself, then.
    Until(Timestamp),
    /// It waits for somebody, or for something to be known.
    Waiting(Problem),
    /// The target accepted it or, where verified, showed it to be so.
    Reached(Reached),
    /// The target can't do it; who must, and what.
    NotPossible(String),
}

impl Stand {
    /// Whether nothing more is to be done about it here.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Reached(_) | Self::NotPossible(_))
    }
}

impl StepPlan {
    pub(super) fn of(offboarding: &Offboarding, step: Step, stand: Stand) -> Self {
        let attempts = offboarding.steps.get(&step).map_or(0, |done| done.attempts);
        Self {
            step,
            attempts,
            stand,
        }
    }
}

/// What is remembered of each step, where nothing can be said of the account itself now.
pub(super) fn remembered(offboarding: &Offboarding, waits_for: &Problem) -> Vec<StepPlan> {
    let waiting = || Stand::Waiting(waits_for.clone());
    let stand = |done: &Done| done.reached.clone().map_or_else(waiting, Stand::Reached);
    let steps = offboarding.steps.iter();
    let steps = steps.map(|(step, done)| StepPlan::of(offboarding, *step, stand(done)));
    let mut steps: Vec<StepPlan> = steps.collect();
    if !steps.is_empty() {
        // Whether its time is over depends on what is asked for now.
        steps.push(StepPlan::of(offboarding, Step::Retain, waiting()));
        steps.sort_by_key(|step| step.step);
    }
    steps
}

/// Whether everything is done that comes before the time for which accounts are kept.
#[must_use]
pub fn is_complete<'a>(steps: impl IntoIterator<Item = &'a StepPlan>) -> bool {
    let mut before = steps.into_iter().filter(|s| s.step < Step::Retain);
    before.all(|step| step.stand.is_final())
}

/// Whether nothing at all is left to do, or to wait for.
#[must_use]
pub fn is_over<'a>(steps: impl IntoIterator<Item = &'a StepPlan>) -> bool {
    steps.into_iter().all(|step| step.stand.is_final())
}
