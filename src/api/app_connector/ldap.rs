//! How to reach a directory over LDAP, and how accounts and groups stand in it.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::references::SecretKeyRef;
use crate::api::rules;

/// A directory that speaks LDAP (RFC 4510).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ldap {
    /// Servers of the same directory, the preferred one first, such as `ldaps://ldap.example.com`. The next
    /// one is asked where one can't be reached.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 512)))]
    #[x_kube(validation = Rule::new(rules::LDAP_SERVERS).message(rules::LDAP_SERVERS_MESSAGE))]
    pub servers: Vec<String>,
    /// Whether a connection to an `ldap` server is encrypted by StartTLS (RFC 4511 section 4.14). One to an
    /// `ldaps` server always is.
    #[serde(rename = "startTLS", default)]
    pub start_tls: bool,
    /// Who Rollcall is there.
    pub bind: LdapBind,
    /// What kind of directory it is.
    pub dialect: LdapDialect,
    /// The attribute with an identifier that the server gives to each entry and never changes. By dialect:
    /// `entryUUID`, `nsUniqueId` or `objectGUID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub id_attribute: Option<String>,
    /// How accounts stand in the directory.
    pub accounts: LdapAccounts,
    /// How an account is disabled, where not as the dialect has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<LdapDisable>,
    /// How groups stand in the directory. Without this there are no entitlements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LdapGroups>,
}

/// Who Rollcall is in a directory: an account that may do what is needed and no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LdapBind {
    /// Name of its entry, such as `cn=rollcall,ou=services,dc=example,dc=org`.
    #[schemars(length(min = 1, max = 512))]
    pub dn: String,
    /// Where its password is.
    pub password_secret_key_ref: SecretKeyRef,
}

/// A kind of directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum LdapDialect {
    /// The standards alone: how accounts are disabled must be said in `disable`.
    Standard,
    /// OpenLDAP: accounts are disabled by `pwdAccountLockedTime` of the overlay `ppolicy`.
    #[serde(rename = "OpenLDAP")]
    OpenLdap,
    /// 389 Directory Server: accounts are disabled by `nsAccountLock`.
    DirectoryServer389,
    /// Active Directory, or Samba as its domain controller: accounts are disabled by `userAccountControl`.
    ActiveDirectory,
}

/// How accounts stand in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LdapAccounts {
    /// The entry below which all accounts are, at any depth, such as `ou=people,dc=example,dc=org`.
    #[schemars(length(min = 1, max = 512))]
    pub base: String,
    /// Name of a new entry, such as `uid={username},ou={ou},ou=people,dc=example,dc=org`: `{username}` and
    /// attributes of `spec.account.attributes` are filled in. By default the user name, right below `base`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub dn: Option<String>,
    /// Object classes of a new entry. By dialect: `inetOrgPerson`, or `user` and what it extends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 128)))]
    pub object_classes: Vec<String>,
    /// Which entries below `base` are accounts (RFC 4515). By default those of the dialect's object class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 1024))]
    pub filter: Option<String>,
    /// The attribute with the user name. By dialect: `uid` or `sAMAccountName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub username_attribute: Option<String>,
    /// An attribute that nobody else uses, in which Rollcall leaves its mark to know its accounts again, such
    /// as `employeeNumber`. It should be indexed.
    #[schemars(length(min = 1, max = 128))]
    pub mark_attribute: String,
}

/// Exactly one way of disabling an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("[has(self.attribute), has(self.container)].filter(x, x).size() == 1").message("exactly one of disable.attribute and disable.container is needed"))]
#[serde(rename_all = "camelCase")]
pub struct LdapDisable {
    /// By the value of an attribute, which the directory, or whoever asks it, obeys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<LdapDisablingAttribute>,
    /// By moving the entry below this one, where nobody looks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub container: Option<String>,
}

/// An attribute that says whether an account is disabled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LdapDisablingAttribute {
    /// Its name.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// Its value while disabled.
    #[schemars(length(min = 1, max = 256))]
    pub disabled: String,
    /// Its value while enabled. Without one the attribute is absent then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub enabled: Option<String>,
}

/// How groups stand in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LdapGroups {
    /// The entry below which all groups are, at any depth. New ones are made right below it.
    #[schemars(length(min = 1, max = 512))]
    pub base: String,
    /// What kind of group.
    pub kind: LdapGroupKind,
    /// Which entries below `base` are groups (RFC 4515). By default those of the kind's object class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 1024))]
    pub filter: Option<String>,
    /// Object classes of a new group, where more than the kind's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 128)))]
    pub object_classes: Vec<String>,
    /// The attribute with the name by which role templates call a group.
    #[serde(default = "common_name")]
    #[schemars(length(min = 1, max = 128))]
    pub name_attribute: String,
    /// The attribute with the members. By kind: `member`, `uniqueMember` or `memberUid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub member_attribute: Option<String>,
    /// What stands in a group that has no members, where the schema wants at least one: the name of an entry
    /// that does not exist. An empty text where none is needed. By default
    /// `cn=empty-membership-placeholder`, where the kind and the dialect want one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub placeholder: Option<String>,
}

fn common_name() -> String {
    "cn".to_owned()
}

/// A kind of group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum LdapGroupKind {
    /// `groupOfNames`: members by the names of their entries (RFC 4519 section 3.5).
    GroupOfNames,
    /// `groupOfUniqueNames`: the same in `uniqueMember` (RFC 4519 section 3.6).
    GroupOfUniqueNames,
    /// `posixGroup`: members by their user names (RFC 2307). Such groups are not made, as each needs a
    /// number.
    PosixGroup,
    /// `group` of Active Directory: members by the names of their entries. New ones are global security
    /// groups.
    ActiveDirectory,
}
