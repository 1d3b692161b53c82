//! Whether an account that bears nobody's mark is a person's, and may be taken over. Never guessed.

use super::account::ObservedAccount;
use super::clues::Clue;
use super::ids::{AccountId, ConnectorName, EmployeeId, Username};
use super::mark::{Marking, Scope};
use super::matching::{Conflict, Match};
use super::policy::{Adopt, Connector};

/// Accounts that may be a person's, as none bears their mark.
#[derive(Clone, Debug)]
pub struct Offer<'a> {
    /// What makes them look so.
    pub by: By<'a>,
    /// Those that the last listing shows.
    pub candidates: Vec<&'a ObservedAccount>,
    /// Other people whom the same fits.
    pub rivals: Vec<&'a EmployeeId>,
    /// Other connectors of the same application, whose accounts are other ones, that it fits as well.
    pub elsewhere: Vec<&'a ConnectorName>,
}

/// What makes an account look like a person's.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// `spec.links` of the Employee says so; whether a rule, any, fits as well.
    Link(&'a str, bool),
    /// A rule of the connector fits.
    Rule(&'a Clue),
    /// There are rules, and none fits.
    Nothing,
}

/// Who asks, and on which terms.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Whose mark is ours.
    pub scope: &'a Scope,
    /// The person.
    pub employee: &'a EmployeeId,
    /// The connector.
    pub connector: &'a Connector,
    /// Whether the last listing showed every account.
    pub complete: bool,
}

impl Offer<'_> {
    /// Nothing that fits.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            by: By::Nothing,
            candidates: Vec::new(),
            rivals: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    /// Whether nobody else's account can be meant.
    fn is_unique(&self) -> bool {
        self.rivals.is_empty() && self.elsewhere.is_empty()
    }
}

impl Terms<'_> {
    /// What is to become of an offer.
    #[must_use]
    pub fn judge(&self, offer: &Offer<'_>) -> Match {
        let name = &self.connector.spec.name;
        let candidates = offer.candidates.as_slice();
        let undecided = |reason, message| conflict(reason, message, candidates);
        match (offer.by, candidates) {
            (By::Link(said, fits), [one]) if offer.is_unique() => self.linked(said, fits, one),
            (By::Link(said, _), []) if self.complete => undecided(
                "LinkedAccountMissing",
                format!(
                    "spec.links says that the account in {name} is {said}, and there is none: mend it, or make that account there"
                ),
            ),
            // One account, or none, is not said to be all there is where not all was seen.
            (By::Link(..) | By::Rule(_) | By::Nothing, [] | [_]) if !self.complete => {
                self.uncertain()
            }
            (By::Link(..) | By::Rule(_) | By::Nothing, []) => Match::Absent,
            (By::Rule(clue), [one]) if offer.is_unique() => {
                let why = format!("its {} fits", clue.attribute_word());
                self.adoptable(one, &why, true)
            }
            (By::Link(..) | By::Rule(_) | By::Nothing, [one]) if offer.rivals.is_empty() => {
                let elsewhere: Vec<&str> = offer.elsewhere.iter().map(|c| c.as_str()).collect();
                undecided(
                    "AmbiguousMatch",
                    format!(
                        "the account {} ({}) fits {} of the same application as well: say in spec.links by which AppConnector it is not theirs (not)",
                        one.id,
                        one.username,
                        elsewhere.join(", ")
                    ),
                )
            }
            (By::Link(..) | By::Rule(_) | By::Nothing, [one]) => {
                let rivals: Vec<&str> = offer.rivals.iter().map(|id| id.as_str()).collect();
                undecided(
                    "AmbiguousMatch",
                    format!(
                        "the account {} ({}) fits {} as well as this person: say in spec.links whose it is (account), or of the others that it is not theirs (not)",
                        one.id,
                        one.username,
                        rivals.join(", ")
                    ),
                )
            }
            (By::Link(..) | By::Rule(_) | By::Nothing, several) => undecided(
                "AmbiguousMatch",
                format!(
                    "{} accounts of {name} fit this person, {}: say in spec.links which is theirs, or which are not",
                    several.len(),
                    told(several)
                ),
            ),
        }
    }

    /// It is not known whether there is an account.
    #[must_use]
    pub fn uncertain(&self) -> Match {
        let message = format!(
            "whether there is an account already is not known, as not all accounts of {} could be listed, or a rule of spec.matching is broken (see the status of that AppConnector): nothing is made until it is",
            self.connector.spec.name
        );
        conflict("MatchUncertain", message, &[])
    }

    /// The account that is said by hand to be the person's.
    fn linked(&self, said: &str, fits: bool, account: &ObservedAccount) -> Match {
        let whose = match self.scope.read(account.mark.as_deref()) {
            Marking::None => return self.adoptable(account, "spec.links names it", fits),
            Marking::Ours(other) => format!("the mark of {other}, from whom it has to be taken first: name it there under spec.links, not"),
            Marking::Foreign => "the mark of another installation, namespace or AppConnector: take it off in the application".to_owned(),
        };
        conflict(
            "LinkedAccountTaken",
            format!(
                "spec.links says that the account is {said}, and {} bears {whose}",
                account.id
            ),
            &[account],
        )
    }

    /// The one account that fits, if it may be taken over. Whoever may write an Employee says by hand which of those
    /// that fit it is, and no more: others have to be listed on the AppConnector.
    fn adoptable(&self, account: &ObservedAccount, why: &str, fits: bool) -> Match {
        let spec = &self.connector.spec;
        let username = account.username.as_str();
        if self.connector.protected_accounts.covers(username) {
            return conflict(
                "ProtectedAccount",
                format!(
                    "the account {} ({username}) seems to be this person's, as {why}, and is protected in {}: leave it to whoever manages it, and say so in spec.links (not), or take it out of spec.protected.accounts of the AppConnector",
                    account.id, spec.name
                ),
                &[account],
            );
        }
        if let Some(other) = account.mark.as_deref().filter(|held| !held.is_empty()) {
            return conflict(
                "NotAdopted",
                format!(
                    "the account {} ({username}) seems to be this person's, as {why}; where our mark would stand there is {other:?}, which somebody else put there: take it away there, or say in spec.links that the account is not theirs",
                    account.id
                ),
                &[account],
            );
        }
        let listed = self.connector.adoptable.covers(username);
        let what_is_missing = match spec.matching.adopt {
            Adopt::WhenUnique if fits || listed => None,
            Adopt::WhenListed if listed => None,
            Adopt::WhenUnique => Some(
                "no rule fits it, and spec.matching.listed of the AppConnector does not name it",
            ),
            Adopt::WhenListed => Some("spec.matching.listed of the AppConnector does not name it"),
            Adopt::Never => Some("spec.matching.adopt of the AppConnector is Never"),
        };
        match what_is_missing {
            None => Match::Adoptable(account.clone()),
            Some(missing) => conflict(
                "NotAdopted",
                format!(
                    "the account {} ({username}) seems to be this person's, as {why}; it is not taken over, as {missing}, and no other is made beside it: allow it there, or say in spec.links that it is not theirs",
                    account.id
                ),
                &[account],
            ),
        }
    }
}

fn conflict(reason: &'static str, message: String, candidates: &[&ObservedAccount]) -> Match {
    Match::Conflict(Conflict {
        reason,
        message,
        candidates: candidates
            .iter()
            .map(|account| account.id.clone())
            .collect(),
    })
}

/// A person's account where something else is said by hand.
#[must_use]
pub fn other_than_linked(said: &str, account: &ObservedAccount) -> Match {
    Match::Conflict(Conflict {
        reason: "LinkDisagrees",
        message: format!(
            "spec.links says that the account is {said}, and the mark of this person stands on {} ({}): if that one is not theirs, name it under spec.links, not",
            account.id, account.username
        ),
        candidates: vec![account.id.clone()],
    })
}

/// Accounts, a few of them, for a person to read.
fn told(accounts: &[&ObservedAccount]) -> String {
    const SHOWN: usize = 10;
    let shown = accounts.iter().take(SHOWN);
    let mut words: Vec<String> = shown
        .map(|a| format!("{} ({})", a.id, a.username))
        .collect();
    if accounts.len() > SHOWN {
        words.push(format!("and {} more", accounts.len() - SHOWN));
    }
    words.join(", ")
}

/// Whether an account is the one that somebody means by its user name or identifier.
#[must_use]
pub fn is_meant(said: &str, account: &ObservedAccount) -> bool {
    account.id == AccountId::new(said) || account.username == Username::new(said)
}
