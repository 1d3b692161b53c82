//! What an LDAP connector is made from, once it was read from a manifest.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::dialect::Dialect;
use super::dn::{self, Template};
use super::entry::Entry;
use super::ids::IdAttribute;
use crate::connectors::{ConnectorError, ErrorKind};

/// What a template calls the user name.
pub(super) const USERNAME: &str = "username";
/// The flags of an account of Active Directory (MS-ADTS 2.2.16).
pub(super) const USER_ACCOUNT_CONTROL: &str = "userAccountControl";

/// How to reach one directory, and how accounts and groups stand in it.
#[derive(Clone, Debug)]
pub struct LdapConfig {
    /// Servers of the same directory, the preferred one first.
    pub servers: Vec<Url>,
    /// Whether a connection to an `ldap` server is encrypted by StartTLS (RFC 4511 section 4.14).
    pub start_tls: bool,
    /// Certificates of authorities, PEM, that are trusted beside those of the system.
    pub ca_bundle: Option<String>,
    /// Whether link-local addresses may be connected to.
    pub allow_link_local: bool,
    /// Time one operation may take.
    pub timeout: Duration,
    /// Entries asked for in one page.
    pub page_size: u16,
    /// Who we are.
    pub bind_dn: String,
    /// Our password.
    pub bind_password: SecretString,
    /// What kind of server it is.
    pub dialect: Dialect,
    /// Where identifiers stand.
    pub id: IdAttribute,
    /// How accounts stand in the directory.
    pub accounts: Accounts,
    /// How an account is disabled.
    pub disabling: Disabling,
    /// How groups stand in the directory, if they are managed.
    pub groups: Option<Groups>,
    /// Attributes that are managed.
    pub managed: Vec<String>,
    /// The attribute that names the manager's entry, where it is managed.
    pub manager: Option<String>,
}

/// How accounts stand in the directory.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// The entry below which all accounts are.
    pub base: String,
    /// Name of a new entry.
    pub template: Template,
    /// Object classes of a new entry.
    pub object_classes: Vec<String>,
    /// Which entries below `base` are accounts.
    pub filter: String,
    /// The attribute with the user name.
    pub username: String,
    /// The attribute with our mark.
    pub mark: String,
}

/// How an account is disabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disabling {
    /// By the value of an attribute.
    Attribute {
        /// The attribute.
        name: String,
        /// Its value while disabled.
        disabled: String,
        /// Its value while enabled; without one it is absent then.
        enabled: Option<String>,
    },
    /// By the bit `ACCOUNTDISABLE` of `userAccountControl` (MS-ADTS 2.2.16).
    UserAccountControl,
    /// By standing below another entry.
    Container(String),
    /// It can't be.
    Never,
}

/// How groups stand in the directory.
#[derive(Clone, Debug)]
pub struct Groups {
    /// The entry below which all groups are, and new ones are made.
    pub base: String,
    /// Object classes of a new group.
    pub object_classes: Vec<String>,
    /// Which entries below `base` are groups.
    pub filter: String,
    /// The attribute with the name.
    pub name: String,
    /// The attribute with the members.
    pub member: String,
    /// What that attribute holds.
    pub form: MemberForm,
    /// The member of a group that has none, where the schema wants one.
    pub placeholder: Option<String>,
    /// Whether groups can be made knowing nothing but their name.
    pub can_create: bool,
}

impl Groups {
    /// The name by which manifests call a group; where it has several, the one that its entry is named by.
    pub(super) fn name_of(&self, entry: &Entry) -> Option<String> {
        entry.named(&self.name)
    }
}

/// What stands in a group for a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberForm {
    /// The name of the entry.
    Dn,
    /// The user name.
    Username,
}

impl LdapConfig {
    /// What can't work, whatever the directory is.
    pub(super) fn check(&self) -> Result<(), ConnectorError> {
        let invalid = |message: String| Err(ConnectorError::new(ErrorKind::Invalid, message));
        if self.page_size == 0 {
            return invalid("spec.sync.pageSize must be at least 1".to_owned());
        }
        let accounts = &self.accounts;
        for (field, filter) in [("spec.ldap.accounts.filter", Some(&accounts.filter))]
            .into_iter()
            .chain([(
                "spec.ldap.groups.filter",
                self.groups.as_ref().map(|g| &g.filter),
            )])
        {
            if filter.is_some_and(|filter| ldap3::parse_filter(filter).is_err()) {
                return invalid(format!(
                    "{field} is no filter (RFC 4515): write it as (objectClass=person)"
                ));
            }
        }
        for (field, name) in self.written() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-;.".contains(c);
            if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(plain) {
                return invalid(format!(
                    "{field}: `{name}` is no name of an attribute (RFC 4512 section 2.5), such as givenName"
                ));
            }
        }
        self.check_managed()?;
        let own = |name: &str, attribute: &str| name.eq_ignore_ascii_case(attribute);
        if let Disabling::Attribute { name, .. } = &self.disabling {
            let used = [&accounts.mark, &accounts.username];
            if used.iter().any(|other| own(name, other)) || own(name, self.id.name()) {
                return invalid(format!(
                    "spec.ldap.disable.attribute: {name} holds the mark, the user name or the identifier: name another"
                ));
            }
        }
        if let Disabling::Container(container) = &self.disabling
            && dn::is_within(&accounts.base, container)
        {
            return invalid(
                "spec.ldap.disable.container holds spec.ldap.accounts.base, so that all would count as disabled: name another"
                    .to_owned(),
            );
        }
        if own(&accounts.mark, &accounts.username) {
            return invalid(
                "spec.ldap.accounts.markAttribute holds the user name already: name another"
                    .to_owned(),
            );
        }
        for value in accounts.template.values() {
            let known = own(value, USERNAME) || self.managed.iter().any(|name| own(name, value));
            if !known {
                return invalid(format!(
                    "spec.ldap.accounts.dn fills in {{{value}}}, which is neither username nor one of spec.account.attributes: add it there"
                ));
            }
        }
        let naming = accounts.template.attribute();
        let is_managed = self.managed.iter().any(|name| own(name, naming));
        if is_managed && !accounts.template.is_just(naming) {
            return invalid(format!(
                "spec.ldap.accounts.dn names entries by {naming}, which spec.account.attributes sets too: write {naming}={{{naming}}}, or take it out of spec.account.attributes"
            ));
        }
        if own(naming, &accounts.username) && !accounts.template.is_just(USERNAME) {
            return invalid(format!(
                "spec.ldap.accounts.dn names entries by {naming}, the attribute with the user name: write {naming}={{username}}"
            ));
        }
        Ok(())
    }

    /// Attributes that have a meaning of their own are managed by nobody.
    fn check_managed(&self) -> Result<(), ConnectorError> {
        let invalid = |message: String| Err(ConnectorError::new(ErrorKind::Invalid, message));
        let accounts = &self.accounts;
        let own = |name: &str, attribute: &str| name.eq_ignore_ascii_case(attribute);
        for name in self.managed.iter().chain(&self.manager) {
            let switch = match &self.disabling {
                Disabling::Attribute { name, .. } => name.as_str(),
                _ => USER_ACCOUNT_CONTROL,
            };
            let reserved = [
                (switch, "says whether an account is disabled"),
                (USER_ACCOUNT_CONTROL, "says whether an account is disabled"),
                (
                    "pwdAccountLockedTime",
                    "says whether an account is disabled",
                ),
                ("nsAccountLock", "says whether an account is disabled"),
                ("userPassword", "holds the password"),
                ("unicodePwd", "holds the password"),
                (accounts.mark.as_str(), "holds our mark"),
                (accounts.username.as_str(), "holds the user name"),
                (self.id.name(), "holds the identifier"),
                ("objectClass", "says what an entry is"),
            ];
            if let Some((_, why)) = reserved.iter().find(|(attribute, _)| own(name, attribute)) {
                let field = if self.manager.as_ref() == Some(name) {
                    "spec.account.manager".to_owned()
                } else {
                    format!("spec.account.attributes[{name}]")
                };
                return invalid(format!(
                    "{field}: the attribute {name} {why}, and can't be managed: take it out"
                ));
            }
            if self.manager.as_ref() != Some(name)
                && self
                    .manager
                    .as_ref()
                    .is_some_and(|manager| own(name, manager))
            {
                return invalid(format!(
                    "spec.account.attributes[{name}]: it is managed twice: take it out, or set spec.account.manager to Unmanaged"
                ));
            }
        }
        Ok(())
    }

    /// Every attribute that is written, with the field that says so.
    pub(super) fn written(&self) -> Vec<(String, &str)> {
        let accounts = &self.accounts;
        let mut written = vec![
            (
                "spec.ldap.accounts.markAttribute".to_owned(),
                accounts.mark.as_str(),
            ),
            (
                "spec.ldap.accounts.usernameAttribute".to_owned(),
                accounts.username.as_str(),
            ),
            (
                "spec.ldap.accounts.dn".to_owned(),
                accounts.template.attribute(),
            ),
        ];
        if let Disabling::Attribute { name, .. } = &self.disabling {
            written.push(("spec.ldap.disable.attribute".to_owned(), name));
        }
        if let Some(groups) = &self.groups {
            written.push((
                "spec.ldap.groups.memberAttribute".to_owned(),
                &groups.member,
            ));
            written.push(("spec.ldap.groups.nameAttribute".to_owned(), &groups.name));
        }
        let managed = self.managed.iter();
        written.extend(
            managed.map(|name| (format!("spec.account.attributes[{name}]"), name.as_str())),
        );
        written.extend(
            self.manager
                .iter()
                .map(|name| ("spec.account.manager".to_owned(), name.as_str())),
        );
        written
    }

    /// Attributes that are asked for of each account.
    pub(super) fn asked(&self) -> Vec<String> {
        let accounts = &self.accounts;
        let mut asked = vec![
            self.id.name().to_owned(),
            accounts.username.clone(),
            accounts.mark.clone(),
        ];
        match &self.disabling {
            Disabling::Attribute { name, .. } => asked.push(name.clone()),
            Disabling::UserAccountControl => asked.push(USER_ACCOUNT_CONTROL.to_owned()),
            Disabling::Container(_) | Disabling::Never => {}
        }
        asked.extend(self.managed.iter().chain(&self.manager).cloned());
        asked
    }

    /// Which entries are accounts: those with a user name.
    pub(super) fn account_filter(&self) -> String {
        let accounts = &self.accounts;
        format!("(&{}({}=*))", accounts.filter, accounts.username)
    }

    /// The entries below which accounts are.
    pub(super) fn account_bases(&self) -> Vec<&str> {
        let base = self.accounts.base.as_str();
        match &self.disabling {
            Disabling::Container(container) if !dn::is_within(container, base) => {
                vec![base, container]
            }
            _ => vec![base],
        }
    }
}
