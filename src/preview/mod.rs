//! What would be done if manifests were applied: the policy, the people and the guard as they would be, looked at
//! by the very functions that the operator runs, against what the cluster remembers of the applications. Nothing is
//! asked of any application, and nothing is written.
//!
//! [`state::State`] is what the cluster says, [`Objects`] what would be applied to it, [`preview`] puts them together.

mod company;
mod effects;
mod later;
mod listing;
mod markdown;
mod objects;
mod orphan_listing;
mod orphans;
mod pseudonyms;
mod redact;
mod refused;
mod released;
mod run;
pub mod state;
mod tell;
mod tell_orphans;
mod text;
mod told;
mod unfit;
mod usernames;
mod weigh;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::domain::guard::Limits;
use crate::domain::ids::EmployeeName;
use company::Inputs;
use state::State;

pub use markdown::markdown;
pub use objects::Objects;
pub use text::text;
pub use told::{
    Change, Connector, Held, ObjectProblem, Orphan, OrphanChange, Person, PersonProblem, Preview,
    Totals, Verdict, When,
};

/// How the manifests meet the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether objects of the namespace that the manifests lack are deleted.
    pub prune: bool,
    /// The limits of the whole operator.
    pub limits: Limits,
    /// The instant.
    pub now: Timestamp,
}

/// What would be done. It is also seen what is done if nothing is applied, so that it can be told apart.
#[must_use]
pub fn preview(mut state: State, manifests: &Objects, settings: &Settings) -> Preview {
    let before = state.take_objects();
    let written = manifests;
    let mut manifests = written.clone();
    if state.redacted {
        redact::manifests(&mut manifests, &state.pseudonyms(), &before);
    }
    let refused = refused::take_out(&before, &mut manifests);
    let mut after = before.after(&manifests, settings.prune);
    after.people.extend(refused.stay.people);
    after.connectors.extend(refused.stay.connectors);
    let inputs = Inputs {
        state: &state,
        before: &before,
        after: &after,
        manifests: &manifests,
        written,
        prune: settings.prune,
        now: settings.now,
    };
    let mut told = look_ahead(&inputs, settings.limits);
    told.problems.splice(0..0, refused.problems);
    let nothing = Objects::default();
    let unchanged = Inputs {
        after: &before,
        manifests: &nothing,
        written: &nothing,
        prune: false,
        ..inputs
    };
    let is_quiet = told.people.is_empty() && told.connectors.is_empty();
    let without = (!is_quiet).then(|| look_ahead(&unchanged, settings.limits));
    weigh::weigh(&mut told, without.as_ref());
    told
}

fn look_ahead(inputs: &Inputs<'_>, limits: Limits) -> Preview {
    let Inputs {
        state,
        before,
        after,
        now,
        ..
    } = *inputs;
    let mut company = company::company(inputs);
    let changed = inputs.manifests.people.iter().filter(|(name, written)| {
        let known = before.people.get(*name);
        known.is_none_or(|known| known.spec.end_date != written.spec.end_date)
    });
    let concerned = changed.map(|(name, _)| EmployeeName::new(name)).collect();
    let ended = run::run(&mut company, limits, &concerned, now);
    tell::tell(state, before, after, &company, ended, now)
}
