//! What belongs to an account: groups and other entries that name it as their owner or manager.

use ldap3::{Scope, ldap_escape};

use super::LdapConnector;
use super::abilities::names;
use super::dn;
use super::entry::Entry;
use super::failure::{Failure, code};
use super::refusal::in_words;
use super::search::Query;
use super::write::{Change, Target, attribute};
use crate::connectors::offboarding::{must_differ, no_ownership};
use crate::connectors::{ConnectorError, ErrorKind, Owned, Transfer};
use crate::domain::account::Completeness;
use crate::domain::ids::AccountId;

impl LdapConnector {
    /// Where owners are looked for: below what the connector knows, each place once.
    fn owner_bases(&self) -> Result<Vec<&str>, ConnectorError> {
        let groups = self.config.groups.as_ref().ok_or_else(no_ownership)?;
        let mut bases: Vec<&str> = Vec::new();
        for base in std::iter::once(groups.base.as_str()).chain(self.config.account_bases()) {
            if !bases.iter().any(|known| dn::is_within(base, known)) {
                bases.retain(|known| !dn::is_within(known, base));
                bases.push(base);
            }
        }
        Ok(bases)
    }

    /// Entries that name one as their owner: all of them, or an error.
    async fn owned_entries(&self, owner: &str, what: &str) -> Result<Vec<Entry>, ConnectorError> {
        let name = self.config.dialect.owner_attribute();
        let filter = format!("({name}={})", ldap_escape(owner));
        let asked = names(&[self.config.id.name(), name, "objectClass"]);
        let mut ldap = self.session.connect().await?;
        let mut found = Vec::new();
        for base in self.owner_bases()? {
            let query = Query {
                base,
                scope: Scope::Subtree,
                filter: &filter,
                attributes: &asked,
                what,
            };
            let mut take = |entry| found.push(entry);
            let walk = self.walk(&mut ldap, &query, &mut take).await?;
            if let Completeness::Partial(why) | Completeness::Unreadable(why) = walk.completeness {
                return Err(ConnectorError::new(ErrorKind::Forbidden, why));
            }
        }
        Ok(found)
    }

    fn owned(&self, entries: &[Entry]) -> Owned {
        let classes = self.config.groups.iter();
        let classes: Vec<&String> = classes.flat_map(|groups| &groups.object_classes).collect();
        let things = entries.iter().map(|entry| {
            let mut its = entry.all("objectClass").iter();
            let is_group = its.any(|class| classes.iter().any(|c| c.eq_ignore_ascii_case(class)));
            let kind = if is_group { "group" } else { "entry" };
            format!("{kind} {}", in_words(&entry.dn))
        });
        Owned::of(things)
    }

    pub(super) async fn owned_by(&self, id: &AccountId) -> Result<Owned, ConnectorError> {
        let what = format!("looking what account {id} owns");
        self.owner_bases()?;
        let owner = self.located(id, &what).await?.dn;
        let entries = self.owned_entries(&owner, &what).await?;
        Ok(self.owned(&entries))
    }

    /// Names another in its place. One entry that can't be written does not keep the others from being handed over.
    pub(super) async fn hand_over(
        &self,
        from: &AccountId,
        to: &AccountId,
    ) -> Result<Transfer, ConnectorError> {
        let what = format!("handing over what account {from} owns");
        self.owner_bases()?;
        must_differ(&what, from, to)?;
        let old = self.located(from, &what).await?.dn;
        let new = self
            .located(to, &format!("{what}: to account {to}"))
            .await?;
        let before = self.owned_entries(&old, &what).await?;
        let mut failed = None;
        for entry in &before {
            if let Err(failure) = self.name_other(entry, &old, &new.dn).await {
                failed.get_or_insert(failure);
            }
        }
        if let Some(failure) = failed {
            return Err(failure.error);
        }
        let left = self.owned_entries(&old, &what).await?;
        Ok(Transfer::between(self.owned(&before), self.owned(&left)))
    }

    async fn name_other(&self, entry: &Entry, old: &str, new: &str) -> Result<(), Failure> {
        let name = self.config.dialect.owner_attribute();
        let all = entry.all(name);
        let named = |dn: &str| {
            let key = dn::key(dn);
            all.iter().filter(move |value| dn::key(value) == key)
        };
        // As it is written there: not every server compares names by the same rules.
        let goes: Vec<String> = named(old).cloned().collect();
        if goes.is_empty() {
            // Deleting no value would delete them all. That it still belongs to the first is seen afterwards.
            return Ok(());
        }
        let mut changes = vec![Change::Delete(attribute(name, goes))];
        if named(new).next().is_none() {
            changes.push(Change::Add(attribute(name, [new.to_owned()])));
        }
        let what = format!("handing over {}", in_words(&entry.dn));
        let is = self.config.id.filter_of(entry);
        let target = Target {
            dn: &entry.dn,
            is: is.as_deref(),
            what: &what,
        };
        match self.modify(&target, &changes, &[]).await {
            // It went meanwhile.
            Err(failure) if failure.had(&[code::NO_SUCH_OBJECT]) => Ok(()),
            outcome => outcome.map(drop),
        }
    }
}
