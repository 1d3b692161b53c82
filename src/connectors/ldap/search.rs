//! Searching: a few entries at once, or all of them page by page.

use ldap3::controls::{Control, ControlType, PagedResults, RawControl};
use ldap3::{Ldap, LdapResult, Scope, SearchOptions};

use super::LdapConnector;
use super::abilities::DOMAIN_SCOPE;
use super::entry::Entry;
use super::failure::{Failure, Intent, code};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::account::Completeness;

/// Pages of one listing, at most: a server whose paging does not end is not followed for ever.
const MAX_PAGES: u32 = 1_000_000;
/// Pages in a row without an entry, at most.
const MAX_EMPTY: u32 = 1000;

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    pub base: &'a str,
    pub scope: Scope,
    pub filter: &'a str,
    pub attributes: &'a [String],
    /// The same in words: `finding ada`.
    pub what: &'a str,
}

/// What a search brought.
struct Found {
    entries: Vec<Entry>,
    /// How many other servers were pointed to, which are not followed.
    pointed_to: usize,
    result: LdapResult,
}

/// Requests that were sent, and how far they came.
pub(super) struct Walk {
    pub completeness: Completeness,
    pub requests: u32,
}

impl LdapConnector {
    /// Entries that a filter finds, few of them. A connection that had ended meanwhile is opened again.
    pub(super) async fn search(&self, query: &Query<'_>) -> Result<Vec<Entry>, Failure> {
        let mut first = true;
        loop {
            let mut lease = self.session.shared().await?;
            match self.search_on(&mut lease.ldap, query, Vec::new()).await {
                Ok(found) if found.result.rc == 0 => return Ok(found.entries),
                Ok(found) => {
                    return Err(self
                        .session
                        .refused(query.what, &found.result, Intent::Read));
                }
                Err(failure) => {
                    self.session.forget(&lease).await;
                    if !first {
                        return Err(failure);
                    }
                    first = false;
                }
            }
        }
    }

    /// The entry of a name, if there is one.
    pub(super) async fn entry(
        &self,
        dn: &str,
        attributes: &[String],
        what: &str,
    ) -> Result<Option<Entry>, Failure> {
        let query = Query {
            base: dn,
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes,
            what,
        };
        match self.search(&query).await {
            Ok(entries) => Ok(entries.into_iter().next()),
            Err(failure) if failure.had(&[code::NO_SUCH_OBJECT]) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn search_on(
        &self,
        ldap: &mut Ldap,
        query: &Query<'_>,
        controls: Vec<RawControl>,
    ) -> Result<Found, Failure> {
        let broken = |error| self.session.broken(query.what, &error, Intent::Read);
        ldap.with_timeout(self.session.timeout());
        ldap.with_search_options(SearchOptions::new());
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        let mut stream = ldap
            .streaming_search(query.base, query.scope, query.filter, query.attributes)
            .await
            .map_err(broken)?;
        let (mut entries, mut pointed_to) = (Vec::new(), 0);
        while let Some(found) = stream.next().await.map_err(broken)? {
            if found.is_ref() {
                pointed_to += 1;
            } else if !found.is_intermediate() {
                entries.push(Entry::of_search(found));
            }
        }
        Ok(Found {
            entries,
            pointed_to,
            result: stream.finish().await,
        })
    }

    /// Everything that a filter finds, page by page (RFC 2696), on a connection of its own, as a server
    /// keeps one place in one listing for each connection.
    ///
    /// # Errors
    /// Nothing could be read at all.
    pub(super) async fn walk(
        &self,
        ldap: &mut Ldap,
        query: &Query<'_>,
        take: &mut (dyn FnMut(Entry) + Send),
    ) -> Result<Walk, Failure> {
        let abilities = self.abilities().await?;
        let (mut requests, mut empty) = (0, 0);
        let mut cookie = Vec::new();
        let mut pointed_to = 0;
        loop {
            let mut controls = Vec::new();
            if abilities.paging {
                controls.push(RawControl {
                    crit: true,
                    ..PagedResults {
                        size: i32::from(self.config.page_size),
                        cookie: std::mem::take(&mut cookie),
                    }
                    .into()
                });
            }
            if abilities.domain_scope {
                controls.push(RawControl {
                    ctype: DOMAIN_SCOPE.to_owned(),
                    crit: false,
                    val: None,
                });
            }
            let found = self.search_on(ldap, query, controls).await?;
            requests += 1;
            pointed_to += found.pointed_to;
            let partial = match found.result.rc {
                0 => None,
                code::SIZE_LIMIT | code::TIME_LIMIT | code::ADMIN_LIMIT => {
                    let cut = self
                        .session
                        .refused(query.what, &found.result, Intent::Read);
                    let limits = "let the account of spec.ldap.bind list without a limit, as paging does not lift it";
                    Some(format!("{}: {limits}", cut.error))
                }
                _ => {
                    return Err(self
                        .session
                        .refused(query.what, &found.result, Intent::Read));
                }
            };
            let got = found.entries.len();
            found.entries.into_iter().for_each(&mut *take);
            let walk = |completeness| Walk {
                completeness,
                requests,
            };
            if let Some(why) = partial {
                return Ok(walk(Completeness::Partial(why)));
            }
            let following = next(&found.result);
            if abilities.paging && following.is_none() {
                let why = format!("{}: it does not say whether there are more", query.what);
                return Ok(walk(Completeness::Partial(why)));
            }
            cookie = following.unwrap_or_default();
            if cookie.is_empty() {
                return Ok(walk(if pointed_to == 0 {
                    Completeness::Complete
                } else {
                    Completeness::Partial(format!(
                        "{}: the server keeps a part of it elsewhere, and points to {} other servers, which are not followed",
                        query.what, pointed_to
                    ))
                }));
            }
            // A page may be empty: what was looked through for it did not satisfy the filter.
            empty = if got == 0 { empty + 1 } else { 0 };
            if requests >= MAX_PAGES || empty >= MAX_EMPTY {
                let why = format!("{}: its pages do not end", query.what);
                return Ok(walk(Completeness::Partial(why)));
            }
        }
    }
}

/// Where the next page begins; empty after the last, nothing where it is not told.
fn next(result: &LdapResult) -> Option<Vec<u8>> {
    result.ctrls.iter().find_map(|control| match control {
        Control(Some(ControlType::PagedResults), raw) => Some(raw.parse::<PagedResults>().cookie),
        _ => None,
    })
}

/// Told where one entry is meant and there are several.
pub(super) fn several(what: &str, entries: &[Entry]) -> ConnectorError {
    let names: Vec<&str> = entries.iter().map(|entry| entry.dn.as_str()).collect();
    ConnectorError::new(
        ErrorKind::Nonsense,
        format!("{what}: several entries are found: {}", names.join("; ")),
    )
}
