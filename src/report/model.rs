//! The report itself. The names of its fields are those of the JSON, and stay.

use jiff::Timestamp;
use serde::Serialize;

use super::last_day::{LastDay, NotALeaver};
use super::{account, credentials, last_day, remaining};
use crate::api::Employee;
use crate::api::conditions::ACCESS_REVOKED;
use crate::api::employee::{EmployeeStatus, StepState};

/// What is known of somebody who left, at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaverReport {
    /// `LeaverReport`.
    pub kind: &'static str,
    /// The instant that it speaks of.
    pub as_of: Timestamp,
    /// Who.
    pub person: PersonReport,
    /// When the last day was.
    pub last_day: LastDay,
    /// How far it is.
    pub offboarding: Progress,
    /// Whether no credential is known to be left, or may be.
    pub no_credential_left: bool,
    /// Those that are, or may be.
    pub credentials_left: Vec<CredentialLeft>,
    /// Kinds of credentials that nobody asked an application to take away, so that nothing is known of them.
    pub not_asked: Vec<NotAsked>,
    /// What remains: first what somebody must do.
    pub remaining: Vec<Remaining>,
    /// What passed to whom.
    pub passed_on: Vec<PassedOn>,
    /// Why nothing is deleted, where a legal hold says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_hold: Option<String>,
    /// Each account, with what was done with it.
    pub accounts: Vec<AccountReport>,
}

/// Who left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonReport {
    /// Full name.
    pub name: String,
    /// HR's identifier.
    pub employee_id: String,
    /// Namespace of the Employee object.
    pub namespace: String,
    /// Its name.
    pub employee: String,
    /// Whether the object is being deleted.
    pub being_deleted: bool,
}

/// How far the offboarding is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Whether every step was taken, or can't be, but for the time for which accounts are kept.
    pub complete: bool,
    /// Since when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Since when every account is known to be disabled, where that is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_revoked_at: Option<Timestamp>,
    /// What stands in the way of saying more, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How sure it is that a credential is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Certainty {
    /// It was seen, and can be used.
    Active,
    /// Nothing took it away yet.
    NotRevoked,
    /// It may be gone, and nothing shows it.
    NotProven,
}

/// A credential that is left, or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialLeft {
    /// In which AppConnector's application; empty where it is not known in which.
    pub connector: String,
    /// `Account`, `Entitlement`, `Sessions`, `Tokens`, `Keys` or `Passwords`.
    pub kind: String,
    /// User name of the account, or name of the entitlement.
    pub name: String,
    /// How sure that is.
    pub certainty: Certainty,
    /// Why it is told.
    pub why: String,
}

/// Kinds of credentials of one account that nobody asked to take away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotAsked {
    /// The AppConnector.
    pub connector: String,
    /// Which kinds its `spec.leaver.revoke` does not name.
    pub kinds: Vec<String>,
}

/// Something that remains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remaining {
    /// The AppConnector.
    pub connector: String,
    /// User name of the account, where it is known.
    pub account: String,
    /// The step, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Whether somebody must do something, or it goes on by itself.
    pub by_hand: bool,
    /// Who does it.
    pub who: String,
    /// What there is to do, or is waited for.
    pub what: String,
    /// Stable reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it comes by itself, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

/// What became of what an account owned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PassedOn {
    /// The AppConnector.
    pub connector: String,
    /// Where it stands.
    pub state: StepState,
    /// What passed to whom, or why nothing did.
    pub what: String,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// One account, and what was done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountReport {
    /// The AppConnector.
    pub connector: String,
    /// User name, empty where it is not known any more.
    pub username: String,
    /// Identifier that the application gave it, empty where it is not known any more.
    pub account_id: String,
    /// State of the account.
    pub state: String,
    /// Stable reason, where it is not as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is the matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was last read back as disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_back_disabled_at: Option<Timestamp>,
    /// What roles had given.
    pub held: Vec<String>,
    /// Steps, in their order.
    pub steps: Vec<StepReport>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Which.
    pub name: String,
    /// Where it stands.
    pub state: StepState,
    /// When the application showed it to be so; never of what it only accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// When the application accepted it, where it shows no more than that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// When it comes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// How often the application was asked.
    pub attempts: u32,
    /// Stable reason, where it is not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What shows it, or what it waits for.
    pub evidence: String,
}

impl LeaverReport {
    /// What an Employee object says of somebody who left.
    ///
    /// # Errors
    /// [`NotALeaver`], of somebody whose last day is not over.
    pub fn of(employee: &Employee, now: Timestamp) -> Result<Self, NotALeaver> {
        let last_day = last_day::over(employee, now)?;
        let unseen = EmployeeStatus::default();
        let status = employee.status.as_ref().unwrap_or(&unseen);
        let accounts = account::all(status);
        let progress = progress(employee, status, &accounts);
        let person = person(employee);
        let credentials_left = credentials::left(status, &accounts, &progress);
        let mut remaining = remaining::all(&person, &accounts);
        remaining.sort_by_key(|one| !one.by_hand);
        Ok(Self {
            kind: "LeaverReport",
            as_of: now,
            person,
            last_day,
            no_credential_left: credentials_left.is_empty(),
            credentials_left,
            not_asked: credentials::not_asked(&accounts),
            remaining,
            passed_on: accounts.iter().filter_map(account::passed_on).collect(),
            legal_hold: employee.spec.legal_hold.as_ref().map(|h| h.reason.clone()),
            offboarding: progress,
            accounts,
        })
    }

    /// What somebody must do.
    pub fn by_hand(&self) -> impl Iterator<Item = &Remaining> {
        self.remaining.iter().filter(|one| one.by_hand)
    }

    /// What goes on by itself.
    pub fn by_itself(&self) -> impl Iterator<Item = &Remaining> {
        self.remaining.iter().filter(|one| !one.by_hand)
    }

    /// Whether it is complete, no credential is left, and nobody has anything to do. What comes by itself once
    /// the time is over for which accounts are kept does not count.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.offboarding.complete && self.no_credential_left && self.by_hand().next().is_none()
    }
}

fn person(employee: &Employee) -> PersonReport {
    let name = &employee.spec.name;
    let full = match (&name.display, name.family.as_deref()) {
        (Some(display), _) => display.clone(),
        (None, None | Some("")) => name.given.clone(),
        (None, Some(family)) => format!("{} {family}", name.given),
    };
    let meta = &employee.metadata;
    PersonReport {
        name: full,
        employee_id: employee.spec.employee_id.clone(),
        namespace: meta.namespace.clone().unwrap_or_default(),
        employee: meta.name.clone().unwrap_or_default(),
        being_deleted: meta.deletion_timestamp.is_some(),
    }
}

/// A status that speaks of an earlier text of the object, or of the time before the end, proves nothing of now.
fn progress(employee: &Employee, status: &EmployeeStatus, accounts: &[AccountReport]) -> Progress {
    let generation = employee.metadata.generation.unwrap_or_default();
    let departed = matches!(status.stage.as_deref(), Some("Departed" | "Retired"));
    let is_of_now = status.observed_generation >= generation;
    let revoked = status.conditions.iter().find(|c| c.type_ == ACCESS_REVOKED);
    let proven = revoked.filter(|c| departed && is_of_now && c.status == "True");
    let completed_at = match &status.offboarding {
        Some(offboarding) => offboarding.completed_at.as_ref().map(|at| at.0),
        // Whoever had no account has no steps: that none is left is all there is to say.
        None => proven
            .filter(|_| accounts.is_empty())
            .map(|c| c.last_transition_time.0),
    };
    let completed_at = completed_at.filter(|_| departed && is_of_now);
    let note = if !is_of_now {
        Some("Rollcall has not looked at this Employee since it was last edited: what follows may be out of date".to_owned())
    } else if !departed {
        Some("Rollcall has not looked at this Employee since the last day was over: is the operator running?".to_owned())
    } else if proven.is_none() {
        let why = revoked.map(|c| c.message.clone());
        Some(why.unwrap_or_else(|| "whether every account is disabled is not known yet".to_owned()))
    } else {
        None
    };
    Progress {
        complete: completed_at.is_some(),
        completed_at,
        access_revoked_at: proven.map(|c| c.last_transition_time.0),
        note,
    }
}
