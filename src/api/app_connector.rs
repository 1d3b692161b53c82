//! `AppConnector`: one target application, how to reach it and how accounts map.

use std::collections::BTreeSet;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

mod account;
mod dialect;
mod guard;
mod held;
mod ldap;
mod leaver;
mod limits;
mod matching;
mod oauth2;
mod orphans;
mod scim;
mod sql;
mod status;

pub use account::{
    AccountMapping, Expression, InitialPassword, LetterCase, Manager, UsernameChanges,
    UsernameRules,
};
pub use dialect::{
    DeactivationForm, DialectSpec, ManagerSpelling, OperationSpelling, Profile, UpdateForm,
};
pub use guard::{Guard, LeaverLimits, PrivilegedLimits};
pub use held::{GuardStatus, HeldCause, HeldPeople, HeldStatus, LastApproval, ReleasedWave};
pub use ldap::{
    Ldap, LdapAccounts, LdapBind, LdapDialect, LdapDisable, LdapDisablingAttribute, LdapGroupKind,
    LdapGroups,
};
pub use leaver::{
    Credentials, InsteadOfDisable, Joiner, Leaver, OnLeave, ThenAccount, TransferOwnershipTo,
    UntilStart,
};
pub use limits::EntitlementLimit;
pub use matching::{Adopt, Matching, MatchingRule};
pub use oauth2::{OAuth2Auth, TokenAuthStyle};
pub use orphans::{OrphanException, OrphanPolicy, Orphans, WhichOrphans};
pub use scim::{BasicAuth, BearerAuth, Scim, ScimAuth};
pub use sql::{Sql, SqlAuth, SqlEncryption, SqlEntitlements, SqlStatement, SqlTables, SqlUsers};
pub use status::{
    AppConnectorStatus, DryRunStatus, EntitlementStatus, ExpiredException, InventoryStatus,
    OrphanedAccount, SparedAccount,
};

/// One target application: how to reach it, how accounts map, what happens to orphans.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "rollcall.dev",
    version = "v1alpha1",
    kind = "AppConnector",
    plural = "appconnectors",
    shortname = "appcon",
    category = "rollcall",
    namespaced,
    status = "AppConnectorStatus",
    derive = "PartialEq",
    doc = "One target application: how to reach it, how accounts map, what happens to orphans.",
    printcolumn(json_path = ".status.type", name = "Type", type_ = "string"),
    printcolumn(
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        name = "Ready",
        type_ = "string"
    ),
    printcolumn(json_path = ".status.accounts", name = "Accounts", type_ = "integer"),
    printcolumn(json_path = ".status.orphans", name = "Orphans", type_ = "integer"),
    printcolumn(
        json_path = ".status.inventory.completeness",
        name = "Inventory",
        type_ = "string"
    ),
    printcolumn(json_path = ".status.mode", name = "Mode", type_ = "string"),
    printcolumn(
        json_path = ".metadata.creationTimestamp",
        name = "Age",
        type_ = "date"
    ),
    printcolumn(
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        name = "Message",
        type_ = "string",
        priority = 1
    )
)]
#[x_kube(validation = Rule::new("[has(self.scim), has(self.ldap), has(self.sql)].filter(x, x).size() == 1").message("exactly one protocol block is needed: spec.scim, spec.ldap or spec.sql"))]
#[serde(rename_all = "camelCase")]
pub struct AppConnectorSpec {
    /// The application speaks SCIM 2.0 (RFC 7643, RFC 7644).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim: Option<Scim>,
    /// The application is a directory that speaks LDAP (RFC 4510): OpenLDAP, 389 Directory Server, Active
    /// Directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ldap: Option<Ldap>,
    /// The application is a database, or keeps its accounts in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<Sql>,
    /// How an employee becomes an account.
    pub account: AccountMapping,
    /// How accounts that are there already are found to be somebody's.
    #[serde(default)]
    pub matching: Matching,
    /// What to do about entitlements that role templates name and the application lacks, and who may hold which.
    #[serde(default)]
    pub entitlements: Entitlements,
    /// What to do about accounts that nobody declared.
    #[serde(default)]
    pub orphans: Orphans,
    /// What no plan may change.
    #[serde(default)]
    pub protected: Protected,
    /// How moves are carried out.
    #[serde(default)]
    pub moves: Moves,
    /// When the accounts of those who join are made.
    #[serde(default)]
    pub joiner: Joiner,
    /// What happens to the accounts of those who are on leave.
    #[serde(default)]
    pub on_leave: OnLeave,
    /// What happens to the accounts of those whose access ends.
    #[serde(default)]
    pub leaver: Leaver,
    /// What happens to an account when its Employee object is deleted.
    #[serde(default)]
    pub deletion: Deletion,
    /// How much access one change may take away before somebody has to approve it.
    #[serde(default)]
    pub guard: Guard,
    /// How often, how hard and how safely the application is asked.
    #[serde(default)]
    pub sync: Sync,
    /// `Enforce` makes the application agree; `DryRun` says what would be done and only reads.
    #[serde(default)]
    pub mode: Mode,
}

impl AppConnectorSpec {
    /// Attributes that are read of each account: those that are managed, and those that tell whose it is.
    #[must_use]
    pub fn observed_attributes(&self) -> BTreeSet<String> {
        let matching = self.matching.rules.iter().map(|rule| &rule.attribute);
        let matching = matching.filter(|attribute| *attribute != USERNAME);
        self.account
            .attributes
            .keys()
            .chain(matching)
            .cloned()
            .collect()
    }
}

/// What a matching rule calls the user name by.
pub const USERNAME: &str = "username";

/// How the server proves who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Certificates of authorities trusted for this server alone, PEM. Certificates are public, so
    /// they stand in the manifest.
    #[schemars(length(min = 1, max = 65536))]
    #[x_kube(validation = Rule::new("self.contains('-----BEGIN CERTIFICATE-----')").message("caBundle must hold PEM certificates, each beginning with -----BEGIN CERTIFICATE-----"))]
    pub ca_bundle: String,
}

/// What to do about entitlements that role templates name and the application lacks, and who may hold which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entitlements {
    /// `Report` waits for someone to make it; `Create` makes it.
    #[serde(default)]
    pub missing: MissingEntitlement,
    /// Patterns of names of entitlements that roles alone give: `*` stands for any letters, `?` for one. A membership
    /// of one of our accounts that no role gives is taken away there. Elsewhere it is told of and left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub authoritative: Vec<String>,
    /// Who may hold an entitlement, and how many (segregation of duties). Whatever roles give, nothing is given beyond
    /// a limit; and a limit takes nothing away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["entitlement".into()]))]
    pub limits: Vec<EntitlementLimit>,
}

/// What to do about one missing entitlement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum MissingEntitlement {
    /// Say so on everyone concerned, and wait.
    #[default]
    Report,
    /// Create it, empty, before the first grant.
    Create,
}

/// What no plan may change, whatever templates and employees say. The account that the connector itself is
/// known by is always protected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Protected {
    /// Patterns of user names of accounts: `*` stands for any letters, `?` for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub accounts: Vec<String>,
    /// Patterns of names of entitlements, which are neither made, given nor taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub entitlements: Vec<String>,
}

/// How moves are carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Moves {
    /// How long removals wait, at most, for the same person's additions elsewhere: `24h`, `90m`.
    #[serde(default = "default_hold")]
    #[schemars(length(max = 24))]
    #[x_kube(validation = Rule::new(rules::HOLD).message(rules::HOLD_MESSAGE))]
    pub hold: String,
}

impl Default for Moves {
    fn default() -> Self {
        Self {
            hold: default_hold(),
        }
    }
}

fn default_hold() -> String {
    "24h".to_owned()
}

/// What happens to an account when its Employee object is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// `Release` leaves the account as it is, reported as an orphan, and never delays the deletion.
    /// `Disable` disables it first, and puts a finalizer on the Employee for that.
    #[serde(default)]
    pub policy: DeletionPolicy,
}

/// What happens to one account when its Employee object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum DeletionPolicy {
    /// Left as it is, and reported.
    #[default]
    Release,
    /// Disabled first.
    Disable,
}

/// How often, how hard and how safely the application is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sync {
    /// Time between two listings of the application: `10m`, `1h30m`.
    #[serde(default = "default_interval")]
    #[schemars(length(max = 24))]
    #[x_kube(validation = Rule::new(rules::INTERVAL).message(rules::INTERVAL_MESSAGE))]
    pub interval: String,
    /// Records asked for in one page; the application may give fewer.
    #[serde(default = "default_page_size")]
    #[schemars(range(min = 1, max = 1000))]
    pub page_size: u16,
    /// Requests in flight at once.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: u16,
    /// Requests a second, at most. Unlimited when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub requests_per_second: Option<u16>,
    /// Memberships changed in one request, at most.
    #[serde(default = "default_batch")]
    #[schemars(range(min = 1, max = 1000))]
    pub membership_batch: u16,
    /// Time one request may take: `30s`.
    #[serde(default = "default_timeout")]
    #[schemars(length(max = 24))]
    #[x_kube(validation = Rule::new(rules::TIMEOUT).message(rules::TIMEOUT_MESSAGE))]
    pub timeout: String,
    /// How the application proves who it is, where connections are encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Allows link-local addresses (169.254.0.0/16, fe80::/10), where cloud metadata services live.
    #[serde(default)]
    pub allow_link_local: bool,
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            interval: default_interval(),
            page_size: default_page_size(),
            concurrency: default_concurrency(),
            requests_per_second: None,
            membership_batch: default_batch(),
            timeout: default_timeout(),
            tls: None,
            allow_link_local: false,
        }
    }
}

fn default_interval() -> String {
    "10m".to_owned()
}
fn default_page_size() -> u16 {
    200
}
fn default_concurrency() -> u16 {
    8
}
fn default_batch() -> u16 {
    100
}
fn default_timeout() -> String {
    "30s".to_owned()
}

/// Whether the application is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Mode {
    /// The application is made to agree with what is declared.
    #[default]
    Enforce,
    /// Status says what would be done; the application sees only reads.
    DryRun,
}
