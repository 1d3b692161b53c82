//! `Employee`: one person's employment facts, and what Rollcall says of their accounts.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::references::ObjectRef;
use super::rules;

mod dates;
mod offboarding;

pub use dates::{FirstDayStatus, LastDayStatus, NextTransition};
pub use offboarding::{
    AccountOffboarding, Departure, OffboardingStatus, OffboardingStep, StepState,
};

/// One person's employment facts. Contractors too.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "rollcall.dev",
    version = "v1alpha1",
    kind = "Employee",
    plural = "employees",
    shortname = "emp",
    category = "rollcall",
    namespaced,
    status = "EmployeeStatus",
    derive = "PartialEq",
    validation = Rule::new("!has(self.spec.managerRef) || self.spec.managerRef.name != self.metadata.name").message("managerRef names this person's own Employee object: name the manager's, or leave it out"),
    doc = "One person's employment facts, and what Rollcall says of their accounts.",
    printcolumn(json_path = ".status.stage", name = "Stage", type_ = "string"),
    printcolumn(
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        name = "Ready",
        type_ = "string"
    ),
    printcolumn(
        json_path = ".status.summary.accounts",
        name = "Accounts",
        type_ = "string"
    ),
    printcolumn(json_path = ".status.summary.next", name = "Next", type_ = "string"),
    printcolumn(
        json_path = ".metadata.creationTimestamp",
        name = "Age",
        type_ = "date"
    ),
    printcolumn(
        json_path = ".status.summary.orphanedCredentials",
        name = "Orphans",
        type_ = "integer",
        priority = 1
    ),
    printcolumn(
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        name = "Message",
        type_ = "string",
        priority = 1
    )
)]
#[x_kube(validation = Rule::new("!has(self.endDate) || self.endDate >= self.startDate").message("endDate is before startDate: the last day of work must not precede the first; correct one of the two"))]
#[serde(rename_all = "camelCase")]
pub struct EmployeeSpec {
    /// Stable identifier from HR. Unique in the namespace, and never changed: accounts are found by it.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new(rules::EMPLOYEE_ID).message(rules::EMPLOYEE_ID_MESSAGE))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("employeeId is immutable: accounts are found by it; to replace it, delete this Employee and create another"))]
    pub employee_id: String,
    /// How the person is called.
    pub name: PersonName,
    /// Work e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 254))]
    #[x_kube(validation = Rule::new(rules::EMAIL).message(rules::EMAIL_MESSAGE))]
    pub email: Option<String>,
    /// Private e-mail address, for instructions before the first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 254))]
    #[x_kube(validation = Rule::new(rules::EMAIL).message(rules::EMAIL_MESSAGE))]
    pub personal_email: Option<String>,
    /// Kind of employment, such as `Employee`, `Contractor` or `Intern`.
    #[serde(rename = "type", default = "default_type")]
    #[schemars(length(min = 1, max = 63))]
    pub type_: String,
    /// Department, as HR names it.
    #[schemars(length(min = 1, max = 200))]
    pub department: String,
    /// Job title.
    #[schemars(length(min = 1, max = 200))]
    pub job_title: String,
    /// Place of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub location: Option<String>,
    /// Cost center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub cost_center: Option<String>,
    /// The Employee object of the person's manager. A manager that does not exist blocks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager_ref: Option<ObjectRef>,
    /// First day of work, `YYYY-MM-DD`, in the person's own time zone.
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new(rules::DATE).message(rules::START_DATE_MESSAGE))]
    pub start_date: String,
    /// Last day of work, `YYYY-MM-DD`, inclusive, in the person's own time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new(rules::DATE).message(rules::END_DATE_MESSAGE))]
    pub end_date: Option<String>,
    /// IANA time zone in which the person's days begin and end, such as `Europe/Berlin`. UTC when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new(rules::TIME_ZONE).message(rules::TIME_ZONE_MESSAGE))]
    pub time_zone: Option<String>,
    /// Whether the person works at present. `Suspended` is the emergency brake.
    #[serde(default)]
    pub employment: Employment,
    /// Role templates held regardless of their `match`, for a time or until further notice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub roles: Vec<ExplicitRole>,
    /// Free facts for role templates and attribute mappings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    #[x_kube(validation = Rule::new(rules::FACT_KEYS).message(rules::FACT_KEYS_MESSAGE))]
    pub attributes: BTreeMap<String, AttributeText>,
    /// Which accounts are the person's, and which are not, where that has to be said by hand: one entry for
    /// each AppConnector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["connector".into()]))]
    pub links: Vec<AccountLink>,
    /// `employeeId`s of people who left, whom this person looks like and is not. They are told of as likely rehires no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub not_formerly: Vec<String>,
    /// Keeps everything of the person's from being deleted until it is taken out, whatever their AppConnectors say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_hold: Option<LegalHold>,
}

/// Why nothing of a person's may be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegalHold {
    /// Why: a matter, a number.
    #[schemars(length(min = 1, max = 254))]
    pub reason: String,
}

/// A role template that a person holds because the manifest says so, and on which terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplicitRole {
    /// Name of the RoleTemplate, in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new(rules::OBJECT_NAME).message(rules::OBJECT_NAME_MESSAGE))]
    pub name: String,
    /// Last day on which it is held, `YYYY-MM-DD`, inclusive, in the person's own time zone. Without one
    /// it is held until the entry is taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new(rules::DATE).message(rules::UNTIL_MESSAGE))]
    pub until: Option<String>,
    /// Why it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub reason: Option<String>,
    /// Who approved it. Stays on each grant that it gives for as long as the grant exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 254))]
    pub approved_by: Option<String>,
    /// Where it was asked for: a number or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 254))]
    pub ticket: Option<String>,
}

/// What is said by hand of a person's account in one application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.account) || has(self.not)").message("links names neither an account nor any that is not the person's: set account, or not"))]
#[x_kube(validation = Rule::new("!has(self.account) || !has(self.not) || !(self.account in self.not)").message("links names the same account as the person's and as not theirs: take it out of one"))]
#[serde(rename_all = "camelCase")]
pub struct AccountLink {
    /// The AppConnector.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new(rules::OBJECT_NAME).message(rules::OBJECT_NAME_MESSAGE))]
    pub connector: String,
    /// User name, or identifier in the application, of the person's account. It is taken over as
    /// `spec.matching.adopt` of the AppConnector allows: one that no rule of it fits must be listed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub account: Option<String>,
    /// User names, or identifiers, of accounts that are not the person's. Where our mark for this person
    /// stands on one, it is taken off and the account left as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 256)))]
    pub not: Vec<String>,
}

fn default_type() -> String {
    "Employee".to_owned()
}

/// Text of a free attribute, bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct AttributeText(#[schemars(length(max = 1024))] pub String);

/// How a person is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonName {
    /// Given name, or the only name of a person who has one.
    #[schemars(length(min = 1, max = 200))]
    pub given: String,
    /// Family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub family: Option<String>,
    /// Full name as shown. Given and family name, in that order, when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 400))]
    pub display: Option<String>,
    /// Name the person prefers to be called by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub preferred: Option<String>,
}

/// Whether a person works at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Employment {
    /// Works.
    #[default]
    Active,
    /// On leave: accounts are disabled and memberships kept.
    OnLeave,
    /// Suspended: accounts are disabled at once, ahead of everything else, and memberships kept.
    Suspended,
}

/// Entries of most lists in a status, at most.
pub const MAX_LISTED: usize = 256;
/// Grants of one account in a status, at most: what a person holds, and what is about to be taken away.
/// A status is what the next operator remembers, so it has room for twice what roles may give.
pub const MAX_GRANTS: usize = 1024;

/// What Rollcall says of a person's accounts. Written by the operator alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmployeeStatus {
    /// Generation of the spec that this status speaks of; -1 before the first look.
    #[serde(default)]
    pub observed_generation: i64,
    /// Where the person stands: Upcoming, Preboarding, Active, OnLeave, Suspended, Departed or Retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Ready, DayOneReady, AccessRevoked, OrphanedCredentials, RolesEnding; Reconciling and Stalled while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Short forms for `kubectl get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<EmployeeSummary>,
    /// The next dated change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_transition: Option<NextTransition>,
    /// The last day, where there is one, and since when it is told: whose end was told of for as long as
    /// `spec.guard.window` of an AppConnector is not kept waiting there for anybody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<LastDayStatus>,
    /// The first day, once everything promised for it was in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_day: Option<FirstDayStatus>,
    /// Role templates the person holds, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_LISTED))]
    pub roles: Vec<HeldRole>,
    /// One entry a connector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_LISTED))]
    pub accounts: Vec<AccountStatus>,
    /// Credentials of this person that are active and that no grant justifies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_LISTED))]
    pub orphaned_credentials: Vec<OrphanedCredential>,
    /// How employment ended: `Announced`, where the last day had been told of before it was over, or `AtOnce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure: Option<Departure>,
    /// What is done with the person's accounts since the last day is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offboarding: Option<OffboardingStatus>,
    /// The text of the annotation `rollcall.dev/reconcile-requested-at` that was handled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
}

/// Short forms for `kubectl get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmployeeSummary {
    /// Accounts as desired, of accounts concerned: `3/3`.
    pub accounts: String,
    /// The next transition: `Active 1 Dec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many orphaned credentials the person has.
    #[serde(default)]
    pub orphaned_credentials: i64,
}

/// A role template that a person holds, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldRole {
    /// Name of the RoleTemplate.
    pub name: String,
    /// `Match`, `Explicit` or `Included by NAME`.
    pub why: String,
    /// Last day on which it is held, where the manifest says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Why it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Why the role is kept although it is not given now: its template is broken or disappeared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// What is so, and what should be, with a person's account in one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountStatus {
    /// Name of the AppConnector.
    pub connector: String,
    /// Identifier that the target gave the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// User name in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// User names that it had before. They stay reserved to the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub former_usernames: Vec<String>,
    /// State of the account.
    pub state: AccountState,
    /// Role templates that justify the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_LISTED))]
    pub roles: Vec<String>,
    /// Since when no role justifies the account, where it is about to be disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at: Option<Time>,
    /// Until when it is kept although no role justifies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<Time>,
    /// Entitlements granted and held, or granted and pending, or about to be taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_GRANTS))]
    pub entitlements: Vec<GrantStatus>,
    /// Stable reason where the account is not in its desired state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is the matter and what to do, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When the account was last read back directly as disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_verified: Option<Time>,
    /// When the next attempt is due, where one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Time>,
}

/// State of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum AccountState {
    /// Work remains to be done.
    #[default]
    Pending,
    /// Exists, enabled, as desired.
    Active,
    /// Made before the first day, disabled until then, as desired.
    Prepared,
    /// Exists, disabled, as desired.
    Disabled,
    /// An operation failed; it is tried again at `retryAt`.
    Failed,
    /// Two accounts, or an account and our record, contradict each other: a person must decide.
    Conflict,
    /// Kept as it is, as policy can't be evaluated, or for a time of grace.
    Kept,
    /// Gone, since its owner left.
    Deleted,
}

/// One entitlement of a person in a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantStatus {
    /// Name of the entitlement in the target.
    pub name: String,
    /// State of the grant.
    pub state: GrantState,
    /// Role templates that give it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Since when the person holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Since when no role gives it, where it is about to be taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at: Option<Time>,
    /// Until when it is kept although no role gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<Time>,
    /// Stable reason where the grant is not in its desired state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// State of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum GrantState {
    /// Granted and seen in the target.
    Held,
    /// Granted, not yet seen in the target.
    Pending,
    /// No longer granted, still held: to be taken away.
    Removing,
    /// Held and kept, as the template that gave it is missing, can't be evaluated, or gives a time of grace.
    Kept,
}

/// A credential that is active and that no grant justifies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanedCredential {
    /// Name of the AppConnector.
    pub connector: String,
    /// `Account` or `Entitlement`.
    pub kind: String,
    /// User name of the account, or name of the entitlement.
    pub name: String,
    /// Since when it has been seen.
    pub since: Time,
}

impl OrphanedCredential {
    /// In words: `entitlement marketing in directory`.
    #[must_use]
    pub fn told(&self) -> String {
        format!(
            "{} {} in {}",
            self.kind.to_lowercase(),
            self.name,
            self.connector
        )
    }
}
