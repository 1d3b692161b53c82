//! How to reach a database, and what its accounts are.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::references::SecretKeyRef;
use crate::api::rules;

/// A database: its own users, or the tables of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("[has(self.users), has(self.tables)].filter(x, x).size() == 1").message("exactly one of sql.users and sql.tables is needed"))]
#[serde(rename_all = "camelCase")]
pub struct Sql {
    /// Where it is, such as `postgres://db.example.com:5432/app`, or `mysql://` or `mariadb://`: a host, if it is
    /// not the usual one a port, and a database.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new(rules::SQL_URL).message(rules::SQL_URL_MESSAGE))]
    pub url: String,
    /// Who Rollcall is there.
    pub auth: SqlAuth,
    /// Whether connections are encrypted.
    #[serde(default)]
    pub encryption: SqlEncryption,
    /// Accounts are users of the database itself, which are given roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<SqlUsers>,
    /// Accounts are rows in tables of an application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<SqlTables>,
}

/// Who Rollcall is in a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SqlAuth {
    /// Its user there, which may do what is needed and no more.
    #[schemars(length(min = 1, max = 128))]
    pub username: String,
    /// Where its password is.
    pub password_secret_key_ref: SecretKeyRef,
}

/// Whether connections are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum SqlEncryption {
    /// By TLS, and the server proves who it is: by an authority of the platform or of `sync.tls.caBundle`.
    #[default]
    Required,
    /// Not at all: for a database on the same host, or behind a proxy that encrypts.
    None,
}

/// Users of the database itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SqlUsers {
    /// The role that gets what a user owns, in every database, before the user is dropped: one that can't sign
    /// in, and not Rollcall's own. Without it a user who owns something is not dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub successor: Option<String>,
    /// From where users may sign in, as MySQL and MariaDB write it (`%` is anywhere). PostgreSQL has no use for it.
    #[serde(default = "anywhere")]
    #[schemars(length(min = 1, max = 255))]
    pub host: String,
}

fn anywhere() -> String {
    "%".to_owned()
}

impl Default for SqlUsers {
    fn default() -> Self {
        Self {
            successor: None,
            host: anywhere(),
        }
    }
}

/// Statements about the tables of an application. Values are never put into their text: `:name` is a place
/// for one. Each runs in a transaction of its own, which is undone where it did not do what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.listOwned) == has(self.transferOwnership)").message("tables.listOwned and tables.transferOwnership need each other: the one shows what the other does"))]
#[x_kube(validation = Rule::new("(!has(self.listSessions) || has(self.revokeSessions)) && (!has(self.listTokens) || has(self.revokeTokens)) && (!has(self.listKeys) || has(self.revokeKeys)) && (!has(self.listPasswords) || has(self.revokePasswords))").message("tables.listSessions, listTokens, listKeys and listPasswords each prove what revokeSessions and so on did: set that as well"))]
#[serde(rename_all = "camelCase")]
pub struct SqlTables {
    /// A query for all accounts, with the columns `id`, `username`, `mark`, `active`, and one for each of
    /// `account.attributes`.
    pub list: SqlStatement,
    /// Makes one, with `:username`, `:mark`, and if wanted `:active`, `:password` and attributes.
    pub create: SqlStatement,
    /// Changes the one with `:id`: sets `:username` and attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<SqlStatement>,
    /// Lets nobody use the one with `:id` any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<SqlStatement>,
    /// Lets the one with `:id` be used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<SqlStatement>,
    /// Puts `:mark` on the one with `:id`, or takes it off where `:mark` is null: to take over accounts that were
    /// there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<SqlStatement>,
    /// Deletes the one with `:id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<SqlStatement>,
    /// Ends every session of the one with `:id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_sessions: Option<SqlStatement>,
    /// A query for the sessions that are open, a row each, with the column `account`: it proves what `revokeSessions`
    /// did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_sessions: Option<SqlStatement>,
    /// Takes every token of the one with `:id` away: API keys, refresh tokens, app passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_tokens: Option<SqlStatement>,
    /// A query for the tokens that can be used, as `listSessions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_tokens: Option<SqlStatement>,
    /// Takes every key of the one with `:id` away: SSH keys, certificates, passkeys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_keys: Option<SqlStatement>,
    /// A query for the keys that can be used, as `listSessions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_keys: Option<SqlStatement>,
    /// Lets the one with `:id` in by no password that anybody knows. Where there must be one, `:password` is such a one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_passwords: Option<SqlStatement>,
    /// A query for the passwords that can be used, as `listSessions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_passwords: Option<SqlStatement>,
    /// A query for what accounts own, a row each, with the columns `account` and `thing`, its name for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_owned: Option<SqlStatement>,
    /// Gives everything that `:from` owns to `:to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_ownership: Option<SqlStatement>,
    /// Roles, groups and the like. Without this there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entitlements: Option<SqlEntitlements>,
}

/// Statements about entitlements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SqlEntitlements {
    /// A query for all of them, with the columns `id` and `name`.
    pub list: SqlStatement,
    /// A query for who holds which, with the columns `entitlement` and `account`, both identifiers.
    pub holders: SqlStatement,
    /// Gives `:entitlement` to `:account`.
    pub grant: SqlStatement,
    /// Takes `:entitlement` from `:account`.
    pub revoke: SqlStatement,
    /// Makes the one called `:name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<SqlStatement>,
    /// Deletes the one with `:id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<SqlStatement>,
}

/// One SQL statement, bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct SqlStatement(#[schemars(length(min = 1, max = 8192))] pub String);
