//! What a server announces in its root entry (RFC 4512 section 5.1), and what its schema knows.

use std::collections::HashSet;

use ldap3::Scope;

use super::LdapConnector;
use super::config::Disabling;
use super::entry::Entry;
use super::failure::{Failure, code};
use super::member_rule::is_caseless;
use super::search::Query;
use crate::connectors::{Capabilities, ConnectorError, ErrorKind};

/// What a server can do beyond the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "a table of independent yes-or-no facts"
)]
pub(super) struct Abilities {
    /// Listing page by page (RFC 2696).
    pub paging: bool,
    /// Showing an entry as it is after a change (RFC 4527).
    pub post_read: bool,
    /// Changing an entry only if it is the one that is meant (RFC 4528).
    pub assertion: bool,
    /// Adding what is there and deleting what is not, without an error (MS-ADTS 3.1.1.3.4.1.8).
    pub permissive: bool,
    /// Staying within the domain.
    pub domain_scope: bool,
    /// Setting a password so that the server stores it its own way (RFC 3062).
    pub passwords: bool,
    /// Not telling the members of groups apart, as the schema has no rule of equality for them. Unknown
    /// where the schema was not read.
    pub alike_members: Option<bool>,
    /// Comparing members of groups without case, as the schema has a rule for them that does.
    pub caseless_members: bool,
    /// Keeping keys or certificates of accounts. Unknown where the schema was not read.
    pub keys: Option<bool>,
    /// Saying whose an entry is. Unknown where the schema was not read.
    pub owners: Option<bool>,
}

const PAGING: &str = "1.2.840.113556.1.4.319";
const POST_READ: &str = "1.3.6.1.1.13.2";
const ASSERTION: &str = "1.3.6.1.1.12";
/// Not pointing to other partitions of Active Directory (MS-ADTS 3.1.1.3.4.1.3).
pub(super) const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
/// Modifying leniently.
pub(super) const PERMISSIVE: &str = "1.2.840.113556.1.4.1413";
const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

impl Abilities {
    fn of(root: &Entry) -> Self {
        let control = |oid: &str| root.all("supportedControl").iter().any(|c| c == oid);
        Self {
            paging: control(PAGING),
            post_read: control(POST_READ),
            assertion: control(ASSERTION),
            permissive: control(PERMISSIVE),
            domain_scope: control(DOMAIN_SCOPE),
            passwords: root
                .all("supportedExtension")
                .iter()
                .any(|oid| oid == PASSWORD_MODIFY),
            alike_members: None,
            caseless_members: false,
            keys: None,
            owners: None,
        }
    }
}

impl LdapConnector {
    /// What the server can do, asked once.
    pub(super) async fn abilities(&self) -> Result<Abilities, Failure> {
        if let Some(known) = *super::locked(&self.known) {
            return Ok(known);
        }
        Ok(self.root().await?.0)
    }

    async fn root(&self) -> Result<(Abilities, Entry), Failure> {
        let attributes = names(&[
            "supportedControl",
            "supportedExtension",
            "subschemaSubentry",
            "namingContexts",
            "defaultNamingContext",
        ]);
        let root = self
            .entry("", &attributes, "reading the root entry")
            .await?;
        let root = root.unwrap_or_default();
        let mut abilities = Abilities::of(&root);
        let mut known = super::locked(&self.known);
        // What the schema told stays.
        abilities.alike_members = known.and_then(|before| before.alike_members);
        abilities.caseless_members = known.is_some_and(|before| before.caseless_members);
        abilities.keys = known.and_then(|before| before.keys);
        abilities.owners = known.and_then(|before| before.owners);
        *known = Some(abilities);
        drop(known);
        Ok((abilities, root))
    }

    /// Where everything of the directory is.
    pub(super) async fn contexts(&self) -> Result<Vec<String>, Failure> {
        let (_, root) = self.root().await?;
        let default = root.all("defaultNamingContext");
        let all = if default.is_empty() {
            root.all("namingContexts")
        } else {
            default
        };
        Ok(all.to_vec())
    }

    pub(super) async fn find_out(&self) -> Result<Capabilities, ConnectorError> {
        let (abilities, root) = self.root().await?;
        let config = &self.config;
        self.must_exist("spec.ldap.accounts.base", &config.accounts.base)
            .await?;
        if let Disabling::Container(container) = &config.disabling {
            self.must_exist("spec.ldap.disable.container", container)
                .await?;
        }
        if let Some(groups) = &config.groups {
            self.must_exist("spec.ldap.groups.base", &groups.base)
                .await?;
        }
        self.schema(&root).await?;
        let told = self.abilities().await?;
        let mut notes = Vec::new();
        if abilities.paging {
            notes.push("Paging".to_owned());
        }
        Ok(Capabilities {
            disable: config.disabling != Disabling::Never,
            rename: true,
            delete: true,
            patch: true,
            filter: true,
            entitlements: config.groups.is_some(),
            mark: true,
            revokes: self.revokes(told),
            ownership: config.groups.is_some() && told.owners != Some(false),
            max_page: None,
            notes,
        })
    }

    async fn must_exist(&self, field: &str, dn: &str) -> Result<(), ConnectorError> {
        let what = format!("{field}: looking for {dn}");
        match self.entry(dn, &names(&["objectClass"]), &what).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "{field}: there is no entry {dn}, or {} may not see it: make it, let that account read it, or correct the name",
                    self.config.bind_dn
                ),
            )),
            Err(failure) => Err(failure.error),
        }
    }

    /// Whether the schema knows every attribute that is to be written. One that it lacks would fail for
    /// everybody, each time.
    async fn schema(&self, root: &Entry) -> Result<(), ConnectorError> {
        let Some(at) = root.first("subschemaSubentry") else {
            return Ok(());
        };
        let attributes = names(&["attributeTypes"]);
        let query = Query {
            base: at,
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes: &attributes,
            what: "reading the schema",
        };
        let entries = match self.search(&query).await {
            Ok(entries) => entries,
            Err(failure) if failure.broken => return Err(failure.error),
            // Not everybody may read it.
            Err(failure) if failure.had(&[code::NO_SUCH_OBJECT]) || failure.code.is_some() => {
                return Ok(());
            }
            Err(failure) => return Err(failure.error),
        };
        let definitions = || {
            let all = entries.iter().flat_map(|entry| entry.all("attributeTypes"));
            all.map(String::as_str)
        };
        let known: HashSet<String> = definitions().flat_map(defined).collect();
        if let Some(groups) = &self.config.groups {
            let member = groups.member.to_ascii_lowercase();
            let mut its = definitions().filter(|text| defined(text).contains(&member));
            // A directory that tells no rule at all (Active Directory) has them all the same.
            let alike = definitions().any(has_equality)
                && its.next().is_some_and(|text| !has_equality(text));
            let definition_of = |name: &str| {
                let name = name.to_owned();
                let mut its = definitions().filter(|text| defined(text).contains(&name));
                its.next().map(str::to_owned)
            };
            let caseless = is_caseless(&member, definition_of);
            if let Some(abilities) = super::locked(&self.known).as_mut() {
                abilities.alike_members = Some(alike);
                abilities.caseless_members = caseless;
            }
        }
        if known.is_empty() {
            return Ok(());
        }
        let dialect = self.config.dialect;
        let has = |name: &str| known.contains(&plain(name));
        if let Some(abilities) = super::locked(&self.known).as_mut() {
            abilities.keys = Some(dialect.key_attributes().iter().any(|name| has(name)));
            abilities.owners = Some(has(dialect.owner_attribute()));
        }
        for (field, name) in self.config.written() {
            if !known.contains(&plain(name)) {
                return Err(ConnectorError::new(
                    ErrorKind::Invalid,
                    format!(
                        "{field}: the schema of the directory has no attribute {name}: correct its name, or extend the schema"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Names that a definition gives to an attribute (RFC 4512 section 4.1.2): `NAME 'sn'`, or several in
/// brackets.
fn defined(definition: &str) -> Vec<String> {
    let Some((oid, rest)) = definition
        .trim_start_matches(['(', ' '])
        .split_once(char::is_whitespace)
    else {
        return Vec::new();
    };
    let mut found = vec![oid.to_ascii_lowercase()];
    if let Some((_, after)) = rest.split_once("NAME") {
        let after = after.trim_start();
        match after.strip_prefix('(') {
            Some(list) => {
                let list = list.split(')').next().unwrap_or_default();
                let quoted = list.split('\'').skip(1).step_by(2);
                found.extend(quoted.map(str::to_ascii_lowercase));
            }
            None => found.extend(
                after
                    .split('\'')
                    .nth(1)
                    .filter(|name| !name.is_empty())
                    .map(str::to_ascii_lowercase),
            ),
        }
    }
    found
}

/// The name of an attribute as a schema has it: without options, and as it compares.
fn plain(name: &str) -> String {
    name.split(';').next().unwrap_or(name).to_ascii_lowercase()
}

/// Whether values of an attribute can be told apart: by a rule of its own, or by that of the attribute that it
/// is derived from.
fn has_equality(definition: &str) -> bool {
    let mut words = definition.split_whitespace();
    words.any(|word| matches!(word, "EQUALITY" | "SUP"))
}

/// Names of attributes as a search wants them.
pub(super) fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_names_out_of_a_definition() {
        for (definition, wanted) in [
            (
                "( 2.5.4.4 NAME ( 'sn' 'surname' ) DESC 'RFC2256: last (family) name(s)' SUP name )",
                vec!["2.5.4.4", "sn", "surname"],
            ),
            (
                "( 1.3.6.1.1.16.4 NAME 'entryUUID' DESC 'UUID' )",
                vec!["1.3.6.1.1.16.4", "entryuuid"],
            ),
            ("( 1.2.3 DESC 'nameless' )", vec!["1.2.3"]),
            ("( 1.2.3 NAME '", vec!["1.2.3"]),
            ("( 1.2.3 NAME", vec!["1.2.3"]),
            ("", vec![]),
        ] {
            assert_eq!(defined(definition), wanted, "{definition}");
        }
    }
}
