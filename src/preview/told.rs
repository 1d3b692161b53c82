//! What would be done, as it is told. Field names are stable: people's programs depend on them.

use jiff::Timestamp;
use serde::Serialize;

/// What would be done if the manifests were applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The namespace.
    pub namespace: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// When what it rests on was read of the cluster.
    pub taken_at: Timestamp,
    /// How many of what.
    pub totals: Totals,
    /// Those for whom something would be done or is the matter, by name.
    pub people: Vec<Person>,
    /// Accounts that are nobody's and with which something would be done, by connector and user name.
    pub orphans: Vec<Orphan>,
    /// Connectors where something would be held.
    pub connectors: Vec<Connector>,
    /// What is wrong with objects, and was not before.
    pub problems: Vec<ObjectProblem>,
    /// What is not known, and matters.
    pub notes: Vec<String>,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Nothing would be done.
    Nothing,
    /// Something would be done.
    Changes,
    /// Something would be done, and more would be taken away than the guard lets through.
    Held,
    /// An object is broken.
    Broken,
}

/// How many of what, without what is done anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// People for whom something would be done.
    pub people: usize,
    /// Accounts that would be made.
    pub create: usize,
    /// Accounts that would be changed.
    pub update: usize,
    /// Accounts that could be used again.
    pub enable: usize,
    /// Accounts that could not be used any more.
    pub disable: usize,
    /// Entitlements that would be given.
    pub add_entitlements: usize,
    /// Entitlements that would be taken.
    pub remove_entitlements: usize,
    /// Accounts that would be deleted.
    pub delete: usize,
    /// Accounts that would stay as they are, and would be nobody's.
    pub release: usize,
    /// People of whom something would be held.
    pub held: usize,
    /// Accounts that are nobody's and would be disabled, at once or later, and would not without the manifests.
    pub disable_orphans: usize,
    /// Those of them that would be deleted.
    pub delete_orphans: usize,
    /// Those of either that would be held.
    pub held_orphans: usize,
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Name of the Employee.
    pub employee: String,
    /// The `employeeId`.
    pub employee_id: String,
    /// The stage from then on.
    pub stage: Option<String>,
    /// Whether the object is deleted.
    pub deleted: bool,
    /// What would be done, in this order.
    pub changes: Vec<Change>,
    /// What is the matter from then on, and was not before.
    pub problems: Vec<PersonProblem>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The connector.
    pub connector: String,
    /// `Create`, `Update`, `Enable`, `Disable`, `AddEntitlements`, `RemoveEntitlements`, `Delete`, …; `Release` of an account
    /// that stays as it is and is looked after no more.
    pub verb: String,
    /// User name of an account that is made or released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Entitlements, or attributes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Why.
    pub why: String,
    /// When.
    pub when: When,
    /// Whether it is done without the manifests as well.
    pub already: bool,
    /// The same in words.
    pub said: String,
}

/// When something would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// At once, each after the one before it.
    Now,
    /// When a time of grace is over.
    At(Timestamp),
    /// Not before somebody approves it.
    Held,
    /// Not at all: the connector is in mode `DryRun`, or paused.
    Never,
}

/// What is the matter with a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonProblem {
    /// The connector, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// Stable reason.
    pub reason: String,
    /// In words.
    pub message: String,
}

/// An account that is nobody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// The connector.
    pub connector: String,
    /// Identifier of the account.
    pub account_id: String,
    /// Its user name.
    pub username: String,
    /// `Released`, ours until its Employee was deleted, or `Undeclared`, never ours.
    pub kind: String,
    /// Whose it was, where it is `Released`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// What would be done, in this order.
    pub changes: Vec<OrphanChange>,
}

/// What would be done with an account that is nobody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrphanChange {
    /// `Disable` or `Delete`.
    pub verb: String,
    /// When.
    pub when: When,
    /// Whether it would wait then until somebody approves it.
    pub held: bool,
    /// Whether it is done without the manifests as well.
    pub already: bool,
    /// Why.
    pub why: String,
    /// The same in words.
    pub said: String,
}

/// A connector where something would be held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connector {
    /// Its name.
    pub name: String,
    /// What would be held.
    pub held: Held,
    /// Whether exactly that is held already.
    pub already: bool,
}

/// What would be held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Of how many people.
    pub people: usize,
    /// How many may lose something, by the limit that would be passed.
    pub allowed: usize,
    /// In words.
    pub said: String,
}

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectProblem {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Stable reason.
    pub reason: String,
    /// In words.
    pub message: String,
    /// Whether nothing but an edit of the object cures it.
    pub broken: bool,
}
