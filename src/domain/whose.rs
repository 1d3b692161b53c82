//! Which account of a target is a person's: by our mark, by what is remembered, by what is said by hand, and by
//! the rules of the connector, in this order.

use super::account::{Activity, ObservedAccount};
use super::adoption::{By, Offer, Terms, is_meant, other_than_linked};
use super::clues::{self, Clue};
use super::desired::DesiredAccount;
use super::facts::Link;
use super::ids::{ConnectorName, EmployeeId};
use super::lifecycle::Stage;
use super::matching::{Conflict, Match, match_account};

/// What a target shows that may be a person's.
pub trait Sight<'a> {
    /// Accounts that bear the person's mark.
    fn marked(&self) -> Vec<&'a ObservedAccount>;
    /// The account that is remembered, where it is seen.
    fn linked(&self) -> Option<&'a ObservedAccount>;
    /// Accounts of a user name or identifier, whatever mark they bear.
    fn meant_by(&self, said: &str) -> Vec<&'a ObservedAccount>;
    /// Accounts that bear nobody's mark and have a value.
    fn candidates(&self, clue: &Clue) -> Vec<&'a ObservedAccount>;
    /// Other people whom any rule finds it for, or whose links name it, and who are not said to be others.
    fn rivals(&self, account: &ObservedAccount) -> Vec<&'a EmployeeId>;
    /// Others whose links name it.
    fn namers(&self, account: &ObservedAccount) -> Vec<&'a EmployeeId>;
    /// Other connectors of the same application, whose accounts are other ones, by which it may be somebody's: as
    /// links name it there or, where those are asked for too, rules find it for this person, who has none there.
    fn elsewhere(&self, account: &ObservedAccount, by_rules: bool) -> Vec<&'a ConnectorName>;
}

/// What is known of the person.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Where they stand.
    pub stage: Stage,
    /// What they should have in the target, where roles give anything.
    pub desired: Option<&'a DesiredAccount>,
    /// What is said by hand.
    pub link: Option<&'a Link>,
}

impl Person<'_> {
    /// Whether an account of theirs is to be there, if roles give one.
    fn is_provided(&self) -> bool {
        self.stage.may_work() || self.desired.is_some_and(|d| d.due.is_early())
    }
}

/// Finds a person's account.
#[must_use]
pub fn find<'a>(terms: &Terms<'_>, person: &Person<'_>, sight: &impl Sight<'a>) -> Match {
    let is_disowned = |account: &ObservedAccount| {
        let link = person.link;
        link.is_some_and(|link| link.disowns(Some(&account.id), Some(&account.username)))
    };
    let marked = sight.marked().into_iter();
    let (disowned, marked): (Vec<_>, Vec<_>) = marked.partition(|account| is_disowned(account));
    if let Some(disowned) = disowned.first() {
        return Match::Disowned((*disowned).clone());
    }
    let linked = sight.linked().filter(|account| !is_disowned(account));
    let matched = match_account(terms.scope, terms.employee, &marked, linked, terms.complete);
    let said = person.link.and_then(|link| link.account.as_deref());
    match (matched, said) {
        (Match::One(account), Some(said))
            if person.is_provided() && is_another(said, &account, sight) =>
        {
            other_than_linked(said, &account)
        }
        (nothing @ (Match::Absent | Match::Unknown), said) => {
            let offered = offered(terms, person, said, sight, &is_disowned);
            offered
                .filter(|offered| *offered != Match::Absent)
                .unwrap_or(nothing)
        }
        (matched, _) => matched,
    }
}

/// Whether somebody means another account than the one that is found. One that was renamed since is the same.
fn is_another<'a>(said: &str, account: &ObservedAccount, sight: &impl Sight<'a>) -> bool {
    let meant = sight.meant_by(said);
    !is_meant(said, account) && meant.iter().any(|other| other.id != account.id)
}

/// What is to become of accounts that bear nobody's mark, where the person has none.
fn offered<'a>(
    terms: &Terms<'_>,
    person: &Person<'_>,
    said: Option<&str>,
    sight: &impl Sight<'a>,
    is_disowned: &dyn Fn(&ObservedAccount) -> bool,
) -> Option<Match> {
    // Nobody's account is taken over, and shut, before their first day.
    let stage = person.stage;
    let may_be_shut = stage.is_paused() || stage.ends_access();
    let desired = person
        .desired
        .filter(|_| person.is_provided() || may_be_shut)?;
    let rules = &terms.connector.spec.matching.rules;
    let offer = match said {
        Some(said) => {
            let candidates = sight.meant_by(said);
            let fits = |one: &ObservedAccount| {
                let mut clues = desired.clues.all.iter();
                clues.any(|clue| clues::fits(clue, one))
            };
            Offer {
                by: By::Link(said, candidates.iter().any(|one| fits(one))),
                rivals: candidates
                    .first()
                    .map(|one| sight.namers(one))
                    .unwrap_or_default(),
                elsewhere: candidates
                    .first()
                    .map(|one| sight.elsewhere(one, false))
                    .unwrap_or_default(),
                candidates,
            }
        }
        None if rules.is_empty() => return None,
        // A rule that can't be read may be the one that fits.
        None if terms.connector.matching.len() < rules.len() => return Some(terms.uncertain()),
        None => {
            if let Some(failed) = &desired.clues.failed {
                return Some(Match::Conflict(Conflict {
                    reason: failed.reason,
                    message: failed.message.clone(),
                    candidates: Vec::new(),
                }));
            }
            let mut offers = desired.clues.all.iter().map(|clue| {
                let mut candidates = sight.candidates(clue);
                candidates.retain(|account| !is_disowned(account));
                Offer {
                    by: By::Rule(clue),
                    rivals: candidates
                        .first()
                        .map(|one| sight.rivals(one))
                        .unwrap_or_default(),
                    elsewhere: candidates
                        .first()
                        .map(|one| sight.elsewhere(one, true))
                        .unwrap_or_default(),
                    candidates,
                }
            });
            let first = offers.find(|offer| !offer.candidates.is_empty());
            first.unwrap_or_else(Offer::nothing)
        }
    };
    // Of whoever must be out, only what is open matters.
    let is_shut = |account: &&ObservedAccount| account.activity == Activity::Disabled;
    if !person.is_provided() && terms.complete && offer.candidates.iter().all(is_shut) {
        return None;
    }
    Some(terms.judge(&offer))
}

#[cfg(test)]
mod tests;
