//! Groups: found, made, deleted, and who stands in them.

use ldap3::{Scope, ldap_escape};

use super::LdapConnector;
use super::abilities::names;
use super::config::Groups;
use super::entry::Entry;
use super::failure::{Failure, code};
use super::search::{Query, several};
use super::write::{Target, attribute};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::account::{Completeness, ObservedEntitlement};
use crate::domain::ids::{EntitlementId, EntitlementName};

/// Parts of one group's members, at most.
const MAX_PARTS: usize = 10_000;

impl LdapConnector {
    pub(super) fn groups(&self) -> Result<&Groups, ConnectorError> {
        self.config.groups.as_ref().ok_or_else(|| {
            ConnectorError::new(
                ErrorKind::Unsupported,
                "spec.ldap.groups is not set, so that there are no groups here: set it",
            )
        })
    }

    /// The group with an identifier.
    pub(super) async fn locate_group(
        &self,
        id: &EntitlementId,
        attributes: &[String],
        what: &str,
    ) -> Result<Option<Entry>, Failure> {
        let Some(filter) = self.config.id.filter(id.as_str()) else {
            return Ok(None);
        };
        let mut found = self.matching_groups(&filter, attributes, what).await?;
        if found.len() > 1 {
            return Err(several(what, &found).into());
        }
        Ok(found.pop())
    }

    /// Groups that satisfy a filter too.
    pub(super) async fn matching_groups(
        &self,
        filter: &str,
        attributes: &[String],
        what: &str,
    ) -> Result<Vec<Entry>, Failure> {
        let groups = self.groups()?;
        let filter = format!("(&{}{filter})", groups.filter);
        self.search(&Query {
            base: &groups.base,
            scope: Scope::Subtree,
            filter: &filter,
            attributes,
            what,
        })
        .await
    }

    /// Everything that stands in a group for a member, however many parts the server gives it in.
    pub(super) async fn members(&self, entry: &Entry) -> Result<Vec<String>, Failure> {
        let attribute = &self.groups()?.member;
        let mut members = entry.all(attribute).to_vec();
        let mut next = match entry.part(attribute) {
            Some((values, next)) => {
                members.extend_from_slice(values);
                next
            }
            None => None,
        };
        let what = format!("reading the members of {}", entry.dn);
        for _ in 0..MAX_PARTS {
            let Some(from) = next else {
                return Ok(members);
            };
            let asked = [format!("{attribute};range={from}-*")];
            let more = self.entry(&entry.dn, &asked, &what).await?;
            let Some((values, following)) = more.as_ref().and_then(|more| more.part(attribute))
            else {
                let why = format!("{what}: it changes while it is read");
                return Err(ConnectorError::new(ErrorKind::Changed, why).into());
            };
            members.extend_from_slice(values);
            next = following;
        }
        Err(ConnectorError::new(ErrorKind::Nonsense, format!("{what}: they do not end")).into())
    }

    /// Makes a group, unless there is one of that name.
    pub(super) async fn create_group(
        &self,
        name: &EntitlementName,
    ) -> Result<ObservedEntitlement, ConnectorError> {
        let groups = self.groups()?;
        let what = format!("making group {name}");
        if let Some(existing) = self.group_called(name, &what).await? {
            return Ok(existing);
        }
        if !groups.can_create {
            return Err(ConnectorError::new(
                ErrorKind::Unsupported,
                format!(
                    "{what}: a group of this kind needs a number (gidNumber) that somebody must choose: make it in the directory"
                ),
            ));
        }
        let dn = format!(
            "{}={},{}",
            groups.name,
            ldap3::dn_escape(name.as_str()),
            groups.base
        );
        let mut attributes = vec![
            attribute("objectClass", groups.object_classes.clone()),
            attribute(&groups.name, [name.as_str().to_owned()]),
        ];
        if let Some(nobody) = &groups.placeholder {
            attributes.push(attribute(&groups.member, [nobody.clone()]));
        }
        if groups
            .object_classes
            .iter()
            .any(|class| class.eq_ignore_ascii_case("group"))
        {
            attributes.push(attribute("sAMAccountName", [name.as_str().to_owned()]));
        }
        let asked = names(&[self.config.id.name(), &groups.name]);
        let taken = match self.add(&dn, attributes, &asked, &what).await {
            Ok(_) => None,
            // Somebody was faster, or something else has that name.
            Err(failure) if failure.had(&[code::ALREADY_EXISTS]) => Some(failure.error),
            Err(failure) => return Err(failure.error),
        };
        let made = self.group_called(name, &what).await;
        made.map_err(super::accounts::after)?.ok_or_else(|| {
            taken.unwrap_or_else(|| {
                ConnectorError::new(
                    ErrorKind::OutcomeUnknown,
                    format!("{what}: it was made, and is not there"),
                )
            })
        })
    }

    async fn group_called(
        &self,
        name: &EntitlementName,
        what: &str,
    ) -> Result<Option<ObservedEntitlement>, ConnectorError> {
        let groups = self.groups()?;
        let filter = format!("({}={})", groups.name, ldap_escape(name.as_str()));
        let asked = names(&[self.config.id.name(), &groups.name]);
        let found = self.matching_groups(&filter, &asked, what).await?;
        let mut called = found.into_iter().filter(|entry| {
            groups
                .name_of(entry)
                .is_some_and(|shown| shown.eq_ignore_ascii_case(name.as_str()))
        });
        let Some(entry) = called.next() else {
            return Ok(None);
        };
        if let Some(other) = called.next() {
            return Err(several(what, &[entry, other]));
        }
        let Some(id) = self.config.id.of(&entry) else {
            return Err(ConnectorError::new(
                ErrorKind::Nonsense,
                format!("the entry {} shows no {}", entry.dn, self.config.id.name()),
            ));
        };
        Ok(Some(ObservedEntitlement {
            id: EntitlementId::new(id),
            name: name.clone(),
            holders: Vec::new(),
            completeness: Completeness::Partial("its members were not read".to_owned()),
        }))
    }

    pub(super) async fn delete_group(&self, id: &EntitlementId) -> Result<(), ConnectorError> {
        let asked = names(&[self.config.id.name()]);
        let what = format!("deleting group {id}");
        let Some(entry) = self.locate_group(id, &asked, &what).await? else {
            return Ok(());
        };
        let is = self.config.id.filter(id.as_str());
        let target = Target {
            dn: &entry.dn,
            is: is.as_deref(),
            what: &what,
        };
        match self.remove(&target).await {
            Err(failure) if failure.had(&[code::NO_SUCH_OBJECT]) => Ok(()),
            outcome => Ok(outcome?),
        }
    }
}
