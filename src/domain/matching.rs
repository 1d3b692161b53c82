//! Which observed account is a person's. Never guessed.

use super::account::ObservedAccount;
use super::ids::AccountId;
use super::ids::EmployeeId;
use super::mark::{Marking, Scope};

/// Reasons of contradictions that only a person can decide: which account it is.
pub const CONFLICTS: [&str; 7] = [
    "MarkAndLinkDisagree",
    "SeveralAccountsMarked",
    "MarkMissing",
    "AmbiguousMatch",
    "NotAdopted",
    "LinkDisagrees",
    "LinkedAccountTaken",
];

/// Reasons that are about accounts that bear nobody's mark, where the person has none.
pub const OFFERED: [&str; 7] = [
    "AmbiguousMatch",
    "NotAdopted",
    "ProtectedAccount",
    "MatchUncertain",
    "MatchingFailed",
    "LinkedAccountMissing",
    "LinkedAccountTaken",
];

/// What a target shows of one person's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// There is none, and the listing was good enough to say so.
    Absent,
    /// None was seen, but not everything was seen either.
    Unknown,
    /// Exactly one account is ours.
    One(ObservedAccount),
    /// None is ours; one that bears nobody's mark is the person's, and may be taken over.
    Adoptable(ObservedAccount),
    /// Our mark for this person stands on an account that is said not to be theirs.
    Disowned(ObservedAccount),
    /// What is seen contradicts itself or our link; a person must decide.
    Conflict(Conflict),
}

/// A contradiction, with the accounts concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Stable reason in PascalCase.
    pub reason: &'static str,
    /// What contradicts what, and what to do.
    pub message: String,
    /// The accounts concerned.
    pub candidates: Vec<AccountId>,
}

/// Matches one person. `marked` are the accounts that bear the person's mark; `linked` is the account
/// that our link names, where there is a link, as the target shows it.
#[must_use]
pub fn match_account(
    scope: &Scope,
    employee: &EmployeeId,
    marked: &[&ObservedAccount],
    linked: Option<&ObservedAccount>,
    accounts_complete: bool,
) -> Match {
    match (marked, linked) {
        ([], None) if accounts_complete => Match::Absent,
        ([], None) => Match::Unknown,
        ([], Some(linked)) => unmarked_link(scope, employee, linked),
        ([one], None) => Match::One((*one).clone()),
        ([one], Some(linked)) if linked.id == one.id => Match::One((*one).clone()),
        ([one], Some(linked)) => Match::Conflict(Conflict {
            reason: "MarkAndLinkDisagree",
            message: format!(
                "the mark of {employee} stands on the account {} ({}), but the recorded account is {} ({}): remove the mark from the wrong one in the application",
                one.id, one.username, linked.id, linked.username
            ),
            candidates: vec![one.id.clone(), linked.id.clone()],
        }),
        (several, _) => Match::Conflict(Conflict {
            reason: "SeveralAccountsMarked",
            message: format!(
                "the mark of {employee} stands on {} accounts, {}: leave it on the right one and remove it from the others in the application",
                several.len(),
                several
                    .iter()
                    .map(|a| format!("{} ({})", a.id, a.username))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            candidates: several.iter().map(|a| a.id.clone()).collect(),
        }),
    }
}

/// The link names an account that does not bear this person's mark.
fn unmarked_link(scope: &Scope, employee: &EmployeeId, linked: &ObservedAccount) -> Match {
    let holds = match scope.read(linked.mark.as_deref()) {
        Marking::Ours(other) if other == *employee => return Match::One(linked.clone()),
        Marking::Ours(other) => format!("bears the mark of {other}"),
        Marking::Foreign => "bears the mark of another installation or namespace".to_owned(),
        Marking::None => "does not bear our mark any more".to_owned(),
    };
    Match::Conflict(Conflict {
        reason: "MarkMissing",
        message: format!(
            "the recorded identifier {} is that of the account {} now, which {holds}: nothing is done to it. If it is the account of {employee}, put the mark {} on it in the application, or delete it there. If it is somebody else's, the AppConnector was pointed at another application: point it back, and give the other application an AppConnector of its own",
            linked.id,
            linked.username,
            scope.mark(employee)
        ),
        candidates: vec![linked.id.clone()],
    })
}

#[cfg(test)]
mod tests;
