//! Listing everything: accounts, then groups with their members.

use std::collections::HashMap;

use ldap3::Scope;

use super::LdapConnector;
use super::abilities::names;
use super::config::{Groups, MemberForm};
use super::dn;
use super::entry::Entry;
use super::search::Query;
use crate::connectors::oddities::Oddities;
use crate::connectors::{ConnectorError, Listing};
use crate::domain::account::{Completeness, ObservedAccount, ObservedEntitlement};
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

impl LdapConnector {
    pub(super) async fn list_all(&self) -> Result<Listing, ConnectorError> {
        let mut ldap = self.session.connect().await?;
        let mut requests = 1;
        let mut rows: Vec<Entry> = Vec::new();
        let mut completeness = Completeness::Complete;
        let filter = self.config.account_filter();
        for base in self.config.account_bases() {
            let query = Query {
                base,
                scope: Scope::Subtree,
                filter: &filter,
                attributes: &self.asked,
                what: "listing accounts",
            };
            let mut take = |entry| rows.push(entry);
            let walk = self.walk(&mut ldap, &query, &mut take).await?;
            requests += walk.requests;
            if completeness.is_complete() {
                completeness = walk.completeness;
            }
        }
        let mut odd = Oddities::default();
        let mut half_made = Oddities::default();
        rows.retain(|entry| {
            let is_account = !self.is_being_made(entry);
            if !is_account {
                half_made.note(format!(
                    "{} was left half made: it is made anew as soon as its person's account is",
                    entry.dn
                ));
            }
            is_account
        });
        let by_name = self.ids_by_name(&rows);
        let mut accounts: Vec<ObservedAccount> = Vec::with_capacity(rows.len());
        for entry in rows {
            match self.observed(&entry, |key| by_name.dn.get(key).cloned()) {
                Ok(account) => accounts.push(account),
                Err(error) => odd.note(error.message),
            }
        }
        if odd.count() > 0 && completeness.is_complete() {
            completeness = Completeness::Partial(format!("{} entries make no sense", odd.count()));
        }
        accounts.sort_by(|a, b| a.id.cmp(&b.id));
        accounts.dedup_by(|a, b| a.id == b.id);
        let mut entitlements = Vec::new();
        let mut entitlements_completeness = Completeness::Complete;
        if let Some(groups) = &self.config.groups {
            let mut found: Vec<Entry> = Vec::new();
            let asked = names(&[self.config.id.name(), &groups.name, &groups.member]);
            let query = Query {
                base: &groups.base,
                scope: Scope::Subtree,
                filter: &groups.filter,
                attributes: &asked,
                what: "listing groups",
            };
            let mut take = |entry| found.push(entry);
            let walk = self.walk(&mut ldap, &query, &mut take).await?;
            requests += walk.requests;
            entitlements_completeness = walk.completeness;
            for entry in found {
                match self
                    .entitlement(groups, &entry, &by_name, &completeness)
                    .await
                {
                    Ok(entitlement) => entitlements.push(entitlement),
                    Err(error) if error.kind.concerns_target() => return Err(error),
                    Err(error) => {
                        odd.note(error.message.clone());
                        if entitlements_completeness.is_complete() {
                            entitlements_completeness = Completeness::Partial(error.message);
                        }
                    }
                }
            }
        }
        // Told, so that the server need not find out.
        let _ = ldap.unbind().await;
        Ok(Listing {
            accounts,
            accounts_completeness: completeness,
            entitlements,
            entitlements_completeness,
            oddities: odd.told().into_iter().chain(half_made.told()).collect(),
            requests,
        })
    }

    fn ids_by_name(&self, rows: &[Entry]) -> Known {
        let mut known = Known::default();
        let groups = self.config.groups.as_ref();
        let by_username = groups.filter(|groups| groups.form == MemberForm::Username);
        let rule = by_username.map(|groups| self.member_rule(groups));
        for entry in rows {
            if let Some(id) = self.config.id.of(entry).map(AccountId::new) {
                if let Some(rule) = rule
                    && let Some(name) = self.username(entry)
                {
                    known.username.insert(rule.key(&name), id.clone());
                }
                known.dn.insert(dn::key(&entry.dn), id);
            }
        }
        known
    }

    async fn entitlement(
        &self,
        groups: &Groups,
        entry: &Entry,
        known: &Known,
        accounts: &Completeness,
    ) -> Result<ObservedEntitlement, ConnectorError> {
        let unnamed = |what: &str| {
            ConnectorError::new(
                crate::connectors::ErrorKind::Nonsense,
                format!("the entry {} shows no {what}", entry.dn),
            )
        };
        let id = self.config.id.of(entry);
        let id = id.ok_or_else(|| unnamed(self.config.id.name()))?;
        let name = groups.name_of(entry);
        let name = name.ok_or_else(|| unnamed(&groups.name))?;
        let ids = match groups.form {
            MemberForm::Dn => &known.dn,
            MemberForm::Username => &known.username,
        };
        let members = self.members(entry).await?;
        let rule = self.member_rule(groups);
        let mut holders: Vec<AccountId> = members
            .iter()
            .filter_map(|value| ids.get(&rule.key(value)).cloned())
            .collect();
        holders.sort();
        holders.dedup();
        Ok(ObservedEntitlement {
            id: EntitlementId::new(id),
            name: EntitlementName::new(name),
            holders,
            completeness: match accounts {
                // A group of that kind can't be empty: its members are hidden from us.
                _ if members.is_empty() && groups.placeholder.is_some() => {
                    Completeness::Unreadable(format!(
                        "it shows no {}: let {} read it",
                        groups.member, self.config.bind_dn
                    ))
                }
                Completeness::Complete => Completeness::Complete,
                other => Completeness::Partial(format!(
                    "not all accounts are known: {}",
                    match other {
                        Completeness::Partial(why) | Completeness::Unreadable(why) => why,
                        Completeness::Complete => "",
                    }
                )),
            },
        })
    }
}

/// Accounts by what stands for them in groups.
#[derive(Default)]
struct Known {
    dn: HashMap<String, AccountId>,
    username: HashMap<String, AccountId>,
}
