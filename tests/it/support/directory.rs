//! Looking into a directory, and changing it behind the operator's back, with a client of the test's own.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry};

/// A connection, signed in.
pub struct Looker(Ldap);

impl Looker {
    /// Signs in. Whom the server is from is not asked. `None` where it is refused.
    pub async fn sign_in(url: &str, dn: &str, password: &str) -> Option<Self> {
        let settings = LdapConnSettings::new().set_no_tls_verify(true);
        let opened = LdapConnAsync::with_settings(settings, url).await;
        let (connection, mut ldap) = opened.unwrap();
        ldap3::drive!(connection);
        let answer = ldap.simple_bind(dn, password).await.unwrap();
        (answer.rc == 0).then_some(Self(ldap))
    }

    /// Entries right below one, by name, with what they hold.
    pub async fn below(&mut self, base: &str) -> BTreeMap<String, SearchEntry> {
        let everything = vec!["*", "+"];
        let found = self
            .0
            .search(base, Scope::OneLevel, "(objectClass=*)", everything)
            .await
            .unwrap();
        let (entries, _) = found.success().unwrap();
        let entries = entries.into_iter().map(SearchEntry::construct);
        entries.map(|entry| (entry.dn.clone(), entry)).collect()
    }

    /// Values of an attribute of an entry; none where there is no such entry.
    pub async fn values(&mut self, dn: &str, attribute: &str) -> BTreeSet<String> {
        let found = self
            .0
            .search(dn, Scope::Base, "(objectClass=*)", vec![attribute])
            .await
            .unwrap();
        if found.1.rc == 32 {
            return BTreeSet::new();
        }
        let (entries, _) = found.success().unwrap();
        let mut entries = entries.into_iter().map(SearchEntry::construct);
        let values = entries.next().and_then(|mut entry| {
            let key = entry
                .attrs
                .keys()
                .find(|key| key.eq_ignore_ascii_case(attribute));
            let key = key.cloned()?;
            entry.attrs.remove(&key)
        });
        values.unwrap_or_default().into_iter().collect()
    }

    /// Makes an entry.
    pub async fn add(&mut self, dn: &str, attributes: &[(&str, &[&str])]) {
        let attributes = attributes.iter().map(|(name, values)| {
            let values: HashSet<&str> = values.iter().copied().collect();
            (*name, values)
        });
        let answer = self.0.add(dn, attributes.collect()).await;
        answer.unwrap().success().unwrap();
    }

    /// Sets an attribute; without values it is cleared.
    pub async fn set(&mut self, dn: &str, attribute: &str, values: &[&str]) {
        let change = Mod::Replace(attribute, values.iter().copied().collect());
        let answer = self.0.modify(dn, vec![change]).await;
        answer.unwrap().success().unwrap();
    }

    /// Renames an entry.
    pub async fn rename(&mut self, dn: &str, name: &str) {
        let answer = self.0.modifydn(dn, name, true, None).await;
        answer.unwrap().success().unwrap();
    }
}
