//! What one person should have in every target, at one instant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::account::{AttributeValue, Attributes};
use super::cel::Subject;
use super::clues::{self, Clues};
use super::facts::Facts;
use super::ids::{AttributeName, ConnectorName, EmployeeName, EntitlementName, RoleName};
use super::lifecycle::{self, Lifecycle, Stage};
use super::policy::{Connector, Policy};
use super::preparation::{self, Due, FirstDay};
use super::problem::Problem;
use super::record::Record;
use super::roles::{self, Resolution};
use super::term::End;

/// Entitlements of one account, at most: what is remembered of a person is bounded.
pub const MAX_ENTITLEMENTS: usize = 512;

/// What one person should have.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Where the person stands, and what comes next.
    pub lifecycle: Lifecycle,
    /// The first day, where the facts say one.
    pub first_day: Option<FirstDay>,
    /// Why nothing of the person's may be deleted, where that is so.
    pub legal_hold: Option<Box<str>>,
    /// Whether the Employee object is being deleted, and a policy acts on that.
    pub deleting: bool,
    /// Roles held, and those that can't be decided.
    pub roles: Resolution,
    /// When which of these end because their time is over, the first one first.
    pub role_ends: Vec<End>,
    /// One entry for each connector that a held role gives something in.
    pub accounts: BTreeMap<ConnectorName, DesiredAccount>,
}

/// What one person should have in one target while they work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesiredAccount {
    /// User name candidates in order of preference. Empty where each expression failed.
    pub usernames: Vec<String>,
    /// Managed attributes; an empty value clears.
    pub attributes: Attributes,
    /// Managed attributes whose expression failed: they stay as they are.
    pub undecided_attributes: BTreeSet<AttributeName>,
    /// The manager whose account the manager attribute names.
    pub manager: Option<ManagerDesire>,
    /// What tells which account that is there already is the person's.
    pub clues: Clues,
    /// Roles that justify the account.
    pub roles: BTreeSet<RoleName>,
    /// Entitlements, and the roles that give each.
    pub entitlements: BTreeMap<EntitlementName, BTreeSet<RoleName>>,
    /// Entitlements that are given later: the account is there before the first day, and they are not.
    pub later: BTreeMap<EntitlementName, BTreeSet<RoleName>>,
    /// Entitlements that roles give, and that a limit does not let this person be given.
    pub barred: BTreeMap<EntitlementName, Barred>,
    /// What of the account is called for now.
    pub due: Due,
    /// What went wrong on the way here.
    pub problems: Vec<Problem>,
}

impl DesiredAccount {
    /// Whether it is called for at a stage: its owner works, or it is there all the same.
    #[must_use]
    pub fn is_due(&self, stage: Stage) -> bool {
        stage.may_work() || self.due.is_early()
    }
}

/// An entitlement that somebody is not given, and keeps where they have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barred {
    /// Roles that would give it.
    pub roles: BTreeSet<RoleName>,
    /// Why it is not given.
    pub problem: Problem,
}

/// The manager attribute, and whom it should name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerDesire {
    /// Name of the attribute.
    pub attribute: AttributeName,
    /// The manager's Employee object; `None` clears the attribute.
    pub manager: Option<EmployeeName>,
}

impl Desired {
    /// What is wrong, or waited for, from this person's point of view: with their roles, and with what these may give
    /// them.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        let is_over = self.lifecycle.stage.ends_access();
        let accounts = self.accounts.values().filter(move |_| !is_over);
        let barred = accounts.flat_map(|account| account.barred.values());
        let barred = barred.map(|barred| &barred.problem);
        self.roles.problems.iter().chain(barred)
    }
}

/// Works out what a person should have at `now`. The entitlements are those of a working person, but for what is
/// given later to one whose accounts are prepared: the plan decides what the stage makes of them.
#[must_use]
pub fn desire(policy: &Policy, facts: &Facts, record: &Record, now: Timestamp) -> Desired {
    let subject = Subject::new(facts);
    let roles = roles::resolve(policy, facts, &subject, record, now);
    let role_ends = roles::ends(policy, facts, &subject, &roles, &record.accounts, now);
    let mut accounts: BTreeMap<ConnectorName, DesiredAccount> = BTreeMap::new();
    for role in roles.held.keys() {
        let Some(template) = policy.template(role) else {
            continue;
        };
        for (connector, entitlements) in &template.spec.grants {
            let account = accounts.entry(connector.clone()).or_default();
            account.roles.insert(role.clone());
            for entitlement in entitlements {
                account
                    .entitlements
                    .entry(entitlement.clone())
                    .or_default()
                    .insert(role.clone());
            }
        }
    }
    keep_of_waiting(policy, &roles, record, &mut accounts);
    for (name, account) in &mut accounts {
        bar(policy, name, account, facts);
        bound(name, account, record);
    }
    let first_day = preparation::prepare(policy, facts, &mut accounts, now);
    let lifecycle = lifecycle::at(facts, first_day.prepared_from, now);
    for (name, account) in &mut accounts {
        if let Some(connector) = policy.connector(name) {
            if lifecycle.stage == Stage::OnLeave && connector.spec.usable_on_leave {
                account.due = Due::Enabled;
            }
            map(connector, facts, &subject, account);
        }
    }
    Desired {
        lifecycle,
        first_day: Some(first_day),
        legal_hold: facts.legal_hold.clone(),
        deleting: false,
        roles,
        role_ends,
        accounts,
    }
}

/// Of a role that waits until another's grants are gone, what the person has already stays: it is in both.
fn keep_of_waiting(
    policy: &Policy,
    roles: &Resolution,
    record: &Record,
    accounts: &mut BTreeMap<ConnectorName, DesiredAccount>,
) {
    let templates = roles
        .waiting
        .keys()
        .filter_map(|role| policy.template(role));
    for template in templates {
        for (connector, entitlements) in &template.spec.grants {
            let recorded = record.accounts.get(connector);
            let Some(recorded) = recorded.filter(|r| r.is_usable()) else {
                continue;
            };
            let is_there = |name: &EntitlementName| {
                let grant = recorded.grants.get(name);
                grant.is_some_and(|grant| grant.since.is_some())
            };
            let role = &template.spec.name;
            let account = accounts.entry(connector.clone()).or_default();
            account.roles.insert(role.clone());
            for name in entitlements.iter().filter(|name| is_there(name)) {
                let roles = account.entitlements.entry(name.clone()).or_default();
                roles.insert(role.clone());
            }
        }
    }
}

/// Sets apart what is not for people of this type.
fn bar(policy: &Policy, name: &ConnectorName, account: &mut DesiredAccount, facts: &Facts) {
    let Some(connector) = policy.connector(name) else {
        return;
    };
    if connector.spec.limits.is_empty() {
        return;
    }
    for (entitlement, roles) in &account.entitlements {
        let barred = connector.limits.bars(name, entitlement, roles, &facts.kind);
        account
            .barred
            .extend(barred.map(|barred| (entitlement.clone(), barred)));
    }
    let barred = &account.barred;
    account
        .entitlements
        .retain(|entitlement, _| !barred.contains_key(entitlement));
}

/// Leaves no more entitlements than can be remembered: those that the person has already come first.
fn bound(name: &ConnectorName, account: &mut DesiredAccount, record: &Record) {
    let all = account.entitlements.len();
    if all <= MAX_ENTITLEMENTS {
        return;
    }
    let has = |entitlement: &EntitlementName| {
        record
            .accounts
            .get(name)
            .is_some_and(|recorded| recorded.grants.contains_key(entitlement))
    };
    let mut names: Vec<_> = account.entitlements.keys().cloned().collect();
    names.sort_by_key(|entitlement| !has(entitlement));
    for beyond in &names[MAX_ENTITLEMENTS..] {
        account.entitlements.remove(beyond);
    }
    account.problems.push(Problem::waiting(
        "TooManyEntitlements",
        format!(
            "the roles of this person give {all} entitlements in the AppConnector {name}, and at most {MAX_ENTITLEMENTS} are given: let a group there stand for many, or give fewer roles"
        ),
    ));
}

/// Applies a connector's mapping to a person.
fn map(connector: &Connector, facts: &Facts, subject: &Subject, account: &mut DesiredAccount) {
    for (i, expression) in connector.usernames.iter().enumerate() {
        match expression.evaluate_text(subject) {
            Ok(name) => account.usernames.push(name),
            Err(error) => account.problems.push(Problem::waiting(
                "UsernameFailed",
                format!("AppConnector {}: spec.account.username[{i}] can't be evaluated for this person: {error}", connector.spec.name),
            )),
        }
    }
    for (name, expression) in &connector.attributes {
        match expression.evaluate(subject) {
            Ok(value) => {
                account.attributes.insert(name.clone(), tidy(value));
            }
            Err(error) => {
                account.undecided_attributes.insert(name.clone());
                account.problems.push(Problem::waiting(
                    "AttributeFailed",
                    format!("AppConnector {}: spec.account.attributes[{name}] can't be evaluated for this person, and stays as it is: {error}", connector.spec.name),
                ));
            }
        }
    }
    account.clues = clues::of(connector, subject);
    account.manager = connector
        .spec
        .manager
        .clone()
        .map(|attribute| ManagerDesire {
            attribute,
            manager: facts.manager.clone(),
        });
}

/// Empty parts of a list say nothing.
fn tidy(value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::Texts(mut texts) => {
            texts.retain(|t| !t.is_empty());
            AttributeValue::Texts(texts)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
