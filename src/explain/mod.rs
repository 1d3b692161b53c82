//! Why a person has what they have, and why they lack what they lack. Pure: it rests on the same resolution of roles that
//! the operator acts upon, and on the status for what is so in the applications.

mod accounts;
mod roles;
mod table;

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::api::{EmployeeStatus, conditions};
use crate::domain::desired::Desired;
use crate::domain::facts::Facts;
use crate::domain::policy::Policy;

pub use table::table;

/// Everything about one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Name of the Employee object.
    pub employee: String,
    /// HR's identifier.
    pub employee_id: String,
    /// How the person is called.
    pub name: String,
    /// Where the person stands now.
    pub stage: String,
    /// Whether the status speaks of the object as it is now. Else the operator has not looked at it yet.
    pub observed: bool,
    /// Every role template of the namespace, and every name in `spec.roles`: those that are held first.
    pub roles: Vec<RoleTold>,
    /// Every connector of the namespace, and every one of which something is known of the person.
    pub accounts: Vec<AccountTold>,
    /// What stands in the way from the person's point of view, with what to do.
    pub problems: Vec<String>,
}

/// One role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleTold {
    /// Its name.
    pub name: String,
    /// Whether the person holds it.
    pub held: bool,
    /// Why, or why not.
    pub why: String,
}

/// One connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountTold {
    /// Name of the `AppConnector`.
    pub connector: String,
    /// User name, where there is one.
    pub username: Option<String>,
    /// State of the account as the status has it; `None` where there is none.
    pub state: Option<String>,
    /// Why.
    pub why: String,
    /// What the person holds there, is to hold, or lacks that another role would give.
    pub entitlements: Vec<EntitlementTold>,
}

/// One entitlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntitlementTold {
    /// Its name in the application.
    pub name: String,
    /// `Held`, `Pending`, `NotDue`, `Removing`, `Kept`, `Rogue` or `Lacking`.
    pub state: String,
    /// Why.
    pub why: String,
}

/// Explains a person, by what is desired of them at an instant and what their status says.
#[must_use]
pub fn explain(
    policy: &Policy,
    facts: &Facts,
    desired: &Desired,
    generation: Option<i64>,
    status: &EmployeeStatus,
) -> Explanation {
    let problems = desired.problems().map(|p| p.message.clone());
    let unready = status
        .conditions
        .iter()
        .filter(|condition| condition.type_ == conditions::READY && condition.status == "False");
    let unready = unready.map(|condition| condition.message.clone());
    let mut problems: Vec<String> = problems.chain(unready).collect();
    problems.dedup();
    Explanation {
        employee: facts.object.to_string(),
        employee_id: facts.employee_id.to_string(),
        name: facts.display.to_string(),
        stage: desired.lifecycle.stage.word().to_owned(),
        observed: generation == Some(status.observed_generation),
        roles: roles::told(policy, facts, desired),
        accounts: accounts::told(policy, desired, status),
        problems,
    }
}
