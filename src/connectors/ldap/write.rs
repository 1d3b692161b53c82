//! Changing entries: each write goes to the entry with the identifier that is meant, and shows it as it is
//! afterwards where the server can.

use std::collections::HashSet;

use ldap3::controls::{
    Assertion, Control, ControlType, MakeCritical as _, PostRead, RawControl, ReadEntryResp,
};
use ldap3::{LdapResult, Mod, Scope};

use super::LdapConnector;
use super::abilities::PERMISSIVE;
use super::dialect::Dialect;
use super::dn;
use super::entry::Entry;
use super::failure::{Failure, Intent, code};
use super::search::Query;
use super::session::Lease;

/// Values of one attribute, as they are sent.
pub(super) type Attribute = (Vec<u8>, HashSet<Vec<u8>>);

/// An attribute with its values.
pub(super) fn attribute(name: &str, values: impl IntoIterator<Item = String>) -> Attribute {
    let values = values.into_iter().map(String::into_bytes);
    (name.as_bytes().to_vec(), values.collect())
}

/// One change of an entry.
pub(super) enum Change {
    /// Adds values.
    Add(Attribute),
    /// Takes values away.
    Delete(Attribute),
    /// Sets all values; none of them clears the attribute.
    Replace(Attribute),
}

impl From<&Change> for Mod<Vec<u8>> {
    fn from(change: &Change) -> Self {
        match change {
            Change::Add((name, values)) => Mod::Add(name.clone(), values.clone()),
            Change::Delete((name, values)) => Mod::Delete(name.clone(), values.clone()),
            Change::Replace((name, values)) => Mod::Replace(name.clone(), values.clone()),
        }
    }
}

/// Asks for no attribute (RFC 4511 section 4.5.1.8).
const NO_ATTRIBUTES: &str = "1.1";

/// An entry that is to be changed, and what the error is about.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub dn: &'a str,
    /// A filter that only the entry which is meant satisfies.
    pub is: Option<&'a str>,
    /// In words: `disabling uid=ada,ou=people,dc=example,dc=org`.
    pub what: &'a str,
}

/// A change of an entry that is there.
enum Write<'a> {
    Modify(&'a [Change]),
    /// The same, and what is not there to be changed is an error on every server.
    ModifyStrictly(&'a [Change]),
    Rename {
        name: &'a str,
        parent: Option<&'a str>,
        /// Whether the value that named it until now stays a value of its own.
        keeps_old: bool,
    },
    Delete,
}

impl LdapConnector {
    /// Makes an entry.
    pub(super) async fn add(
        &self,
        dn: &str,
        attributes: Vec<Attribute>,
        shown: &[String],
        what: &str,
    ) -> Result<Option<Entry>, Failure> {
        let target = Target { dn, is: None, what };
        let mut lease = self.ready(&target, shown, false).await?;
        let answer = lease.ldap.add(dn, attributes).await;
        Ok(read_back(dn, &self.judged(what, &lease, answer).await?))
    }

    /// Changes attributes of an entry.
    pub(super) async fn modify(
        &self,
        target: &Target<'_>,
        changes: &[Change],
        shown: &[String],
    ) -> Result<Option<Entry>, Failure> {
        if changes.is_empty() {
            return Ok(None);
        }
        let answer = self.carry(target, &Write::Modify(changes), shown).await?;
        Ok(read_back(target.dn, &answer))
    }

    /// Takes every value of an attribute away. Where there is none, that is
    /// [`NO_SUCH_ATTRIBUTE`](code::NO_SUCH_ATTRIBUTE).
    pub(super) async fn take_away(&self, target: &Target<'_>, name: &str) -> Result<(), Failure> {
        let changes = [Change::Delete(attribute(name, []))];
        let write = Write::ModifyStrictly(&changes);
        self.carry(target, &write, &[]).await.map(drop)
    }

    /// Renames an entry, or moves it below another parent.
    pub(super) async fn rename(
        &self,
        target: &Target<'_>,
        name: &str,
        parent: Option<&str>,
    ) -> Result<(), Failure> {
        let same = dn::naming(target.dn)
            .zip(dn::naming(name))
            .is_some_and(|((old, _), (new, _))| old.eq_ignore_ascii_case(new));
        let write = Write::Rename {
            name,
            parent,
            // In Active Directory an entry has one name alone (MS-ADTS 3.1.1.5.4.1).
            keeps_old: !same && self.config.dialect != Dialect::ActiveDirectory,
        };
        self.carry(target, &write, &[]).await.map(drop)
    }

    /// Deletes an entry.
    pub(super) async fn remove(&self, target: &Target<'_>) -> Result<(), Failure> {
        self.carry(target, &Write::Delete, &[]).await.map(drop)
    }

    /// Sends a write to the entry that is meant and to no other.
    async fn carry(
        &self,
        target: &Target<'_>,
        write: &Write<'_>,
        shown: &[String],
    ) -> Result<LdapResult, Failure> {
        match self.send_write(target, write, shown).await {
            Err(failure) => {
                let target = self.doubted(target, failure).await?;
                self.send_write(&target, write, shown).await
            }
            done => done,
        }
    }

    async fn send_write(
        &self,
        target: &Target<'_>,
        write: &Write<'_>,
        shown: &[String],
    ) -> Result<LdapResult, Failure> {
        let lenient = matches!(write, Write::Modify(_));
        let mut lease = self.ready(target, shown, lenient).await?;
        let ldap = &mut lease.ldap;
        let answer = match write {
            Write::Modify(changes) | Write::ModifyStrictly(changes) => {
                let changes: Vec<Mod<Vec<u8>>> = changes.iter().map(Mod::from).collect();
                ldap.modify(target.dn, changes).await
            }
            Write::Rename {
                name,
                parent,
                keeps_old,
            } => {
                let renamed = ldap.modifydn(target.dn, name, !keeps_old, *parent);
                renamed.await
            }
            Write::Delete => ldap.delete(target.dn).await,
        };
        self.judged(target.what, &lease, answer).await
    }

    /// What to do about a write that was refused as if the entry were another one. OpenLDAP's overlay
    /// `unique` puts what we ask of the entry to the search that it makes itself, and refuses in our name.
    /// Where the entry is the one that is meant, the same is sent without that question.
    async fn doubted<'a>(
        &self,
        target: &Target<'a>,
        failure: Failure,
    ) -> Result<Target<'a>, Failure> {
        let (Some(is), true) = (target.is, failure.had(&[code::ASSERTION_FAILED])) else {
            return Err(failure);
        };
        let query = Query {
            base: target.dn,
            scope: Scope::Base,
            filter: is,
            attributes: &[NO_ATTRIBUTES.to_owned()],
            what: target.what,
        };
        match self.search(&query).await {
            Ok(found) if found.len() == 1 => Ok(Target {
                is: None,
                ..*target
            }),
            _ => Err(failure),
        }
    }

    async fn ready(
        &self,
        target: &Target<'_>,
        shown: &[String],
        lenient: bool,
    ) -> Result<Lease, Failure> {
        let abilities = self.abilities().await?;
        let mut controls: Vec<RawControl> = Vec::new();
        if abilities.post_read && !shown.is_empty() {
            controls.push(PostRead::new(shown.to_vec()));
        }
        if let Some(is) = target.is.filter(|_| abilities.assertion) {
            controls.push(Assertion { filter: is }.critical().into());
        }
        if abilities.permissive && lenient {
            controls.push(RawControl {
                ctype: PERMISSIVE.to_owned(),
                crit: false,
                val: None,
            });
        }
        let mut lease = self.session.shared().await?;
        lease.ldap.with_timeout(self.session.timeout());
        if !controls.is_empty() {
            lease.ldap.with_controls(controls);
        }
        Ok(lease)
    }

    pub(super) async fn judged(
        &self,
        what: &str,
        lease: &Lease,
        answer: ldap3::result::Result<LdapResult>,
    ) -> Result<LdapResult, Failure> {
        match answer {
            Ok(result) if result.rc == 0 => Ok(result),
            Ok(result) => Err(self.session.refused(what, &result, Intent::Write)),
            Err(error) => {
                self.session.forget(lease).await;
                Err(self.session.broken(what, &error, Intent::Write))
            }
        }
    }
}

/// The entry as the answer shows it.
fn read_back(dn: &str, result: &LdapResult) -> Option<Entry> {
    let shown = result.ctrls.iter().find_map(|control| match control {
        Control(Some(ControlType::PostReadResp), raw) => Some(raw.parse::<ReadEntryResp>()),
        _ => None,
    })?;
    Some(Entry::new(dn.to_owned(), shown.attrs, shown.bin_attrs))
}
