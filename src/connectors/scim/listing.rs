//! Listing everything: users, then groups with their members.

use std::collections::HashSet;
use std::ops::ControlFlow;

use futures::stream::{self, StreamExt as _};
use serde_json::Value;

use super::discovery::is_list;
use super::failure::Failure;
use super::groups::GroupRecord;
use super::json::{get, text};
use super::paging::{PageRequest, PageShape, Pager};
use super::patience::Patience;
use super::resource::{self, GroupView, id_of};
use super::{ScimConnector, locked};
use crate::connectors::{ConnectorError, ErrorKind, Listing};
use crate::domain::account::{Completeness, ObservedAccount};
use crate::domain::ids::EntitlementId;

/// Oddities that are told, at most; the rest is counted.
const MAX_ODDITIES: usize = 50;
/// Walks through one collection, at most, where the server loses its place in the middle.
const WALKS: u32 = 2;
/// Groups read at once, where lists do not show members.
const GROUP_READS: usize = 4;

/// One kind of record, as far as it could be read.
struct Collection<T> {
    items: Vec<T>,
    odd: usize,
    completeness: Completeness,
}

impl ScimConnector {
    pub(super) async fn list_all(&self) -> Result<Listing, ConnectorError> {
        let mut oddities = Vec::new();
        let mut requests = 0;
        let users = self
            .collect("Users", &mut oddities, &mut requests, |row| {
                self.listed_user(row)
            })
            .await?;
        let mut groups = self.groups(&mut oddities, &mut requests).await?;
        drop_nested(&mut groups.items, &users);
        let rest = (users.odd + groups.odd).saturating_sub(oddities.len());
        if rest > 0 {
            oddities.push(format!("and {rest} more"));
        }
        Ok(Listing {
            accounts: users.items,
            accounts_completeness: users.completeness,
            entitlements: groups
                .items
                .into_iter()
                .map(|view| view.entitlement)
                .collect(),
            entitlements_completeness: groups.completeness,
            oddities,
            requests,
        })
    }

    /// A user whose name holds our credential is told of, and its name is not.
    fn listed_user(&self, row: &Value) -> Result<ObservedAccount, String> {
        let user = resource::user(row, &self.paths)?;
        let mark = user.mark.as_deref().unwrap_or_default();
        let told = [user.id.as_str(), user.username.as_str(), mark];
        if told
            .iter()
            .any(|text| self.transport.holds_credential(text))
        {
            return Err("a user shows the credential of this connector in its names".to_owned());
        }
        Ok(user)
    }

    async fn groups(
        &self,
        oddities: &mut Vec<String>,
        requests: &mut u32,
    ) -> Result<Collection<GroupView>, ConnectorError> {
        let unreadable = |why: String| Collection {
            items: Vec::new(),
            odd: 0,
            completeness: Completeness::Unreadable(why),
        };
        if !self.dialect().announced.groups {
            return Ok(unreadable("the server has no groups".to_owned()));
        }
        let mut groups = match self
            .collect("Groups", oddities, requests, resource::group)
            .await
        {
            Ok(groups) => groups,
            Err(error) if error.kind.concerns_target() => return Err(error),
            Err(error) => return Ok(unreadable(error.message)),
        };
        if groups.items.iter().any(|view| view.repeats) {
            self.learn(|dialect| dialect.learnt.repeats_members = true);
        }
        *requests += self.read_members(&mut groups.items).await?;
        Ok(groups)
    }

    /// Reads each group by itself of which the list shows no members. Most servers leave `members` out
    /// of a group that has none, some out of every list, some out of large groups: only this tells which.
    /// Answers how many were read.
    async fn read_members(&self, groups: &mut [GroupView]) -> Result<u32, ConnectorError> {
        locked(&self.empty).begin_listing();
        let mut hidden: Vec<&mut GroupView> = groups
            .iter_mut()
            .filter(|view| !view.members_shown)
            .filter(|view| !locked(&self.empty).knows(&view.entitlement.id, view.stamp))
            .collect();
        let ids: Vec<EntitlementId> = hidden
            .iter()
            .map(|view| view.entitlement.id.clone())
            .collect();
        let reads = ids
            .into_iter()
            .map(|id| async move { self.read_listed_group(&id).await });
        let mut reads = stream::iter(reads).buffered(GROUP_READS);
        for view in &mut hidden {
            match reads.next().await {
                Some(Ok(Some(read))) => {
                    view.entitlement = read.view.entitlement;
                    if view.entitlement.holders.is_empty() {
                        locked(&self.empty).saw(&view.entitlement.id, view.stamp);
                    }
                }
                Some(Err(error)) if error.kind.concerns_target() => return Err(error),
                Some(Err(error)) => {
                    view.entitlement.completeness = Completeness::Unreadable(error.message);
                }
                // If it was deleted since it was listed, the next listing leaves it out.
                Some(Ok(None)) | None => {
                    let why = "the group is in the list, and is not found by itself";
                    view.entitlement.completeness = Completeness::Unreadable(why.to_owned());
                }
            }
        }
        Ok(u32::try_from(hidden.len()).unwrap_or(u32::MAX))
    }

    async fn read_listed_group(
        &self,
        id: &EntitlementId,
    ) -> Result<Option<GroupRecord>, ConnectorError> {
        let mut patience = Patience::default();
        loop {
            match self.read_group(id).await {
                Err(error) => match patience.wait(&error) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(error),
                },
                read => return read,
            }
        }
    }

    /// Reads one whole collection, row by row; a strange row is told and left out.
    async fn collect<T: Send>(
        &self,
        collection: &str,
        oddities: &mut Vec<String>,
        requests: &mut u32,
        read: impl Fn(&Value) -> Result<T, String> + Send + Sync,
    ) -> Result<Collection<T>, ConnectorError> {
        let told = oddities.len();
        let mut begun = 0;
        let (items, odd, mut completeness) = loop {
            let (mut items, mut odd) = (Vec::new(), 0_usize);
            oddities.truncate(told);
            begun += 1;
            let walked = self
                .walk(collection, None, requests, |row| {
                    match read(row) {
                        Ok(item) => items.push(item),
                        Err(why) => {
                            odd += 1;
                            if oddities.len() < MAX_ODDITIES {
                                oddities.push(self.transport.clean(&why));
                            }
                        }
                    }
                    ControlFlow::Continue(())
                })
                .await;
            match walked {
                Ok(completeness) => break (items, odd, completeness),
                // What was seen so far may have moved: everything is read anew.
                Err(failure) if is_lost_cursor(&failure) && begun < WALKS => {}
                Err(failure) if is_lost_cursor(&failure) => {
                    break (items, odd, Completeness::Partial(failure.error.message));
                }
                Err(failure) => return Err(failure.into()),
            }
        };
        if odd > 0 {
            let mut why = format!("{odd} of {collection} could not be read");
            if let Completeness::Partial(other) = &completeness {
                why = format!("{why}; {other}");
            }
            completeness = Completeness::Partial(why);
        }
        Ok(Collection {
            items,
            odd,
            completeness,
        })
    }

    /// Walks through a list, page by page, and gives each new row to `visit` until it breaks. Counts
    /// its requests.
    pub(super) async fn walk(
        &self,
        collection: &str,
        filter: Option<&str>,
        requests: &mut u32,
        mut visit: impl FnMut(&Value) -> ControlFlow<()> + Send,
    ) -> Result<Completeness, Failure> {
        let announced = self.dialect().announced;
        let count = self
            .page_size
            .min(announced.max_results.unwrap_or(u32::MAX));
        let mut pager = if announced.cursor {
            Pager::by_cursor(count)
        } else {
            Pager::new(count)
        };
        let mut first = true;
        let mut patience = Patience::default();
        while let Some(page) = pager.next() {
            *requests += 1;
            let json = match self.page(collection, filter, page).await {
                Ok(json) => json,
                Err(failure)
                    if (failure.too_large || failure.is("invalidCount")) && pager.shrink() =>
                {
                    continue;
                }
                // A first page that is throttled is dispatch's to wait for, with all else.
                Err(failure)
                    if let (false, Some(wait)) = (first, patience.wait(&failure.error)) =>
                {
                    tokio::time::sleep(wait).await;
                    continue;
                }
                Err(failure)
                    if first
                        || failure.error.kind.concerns_target()
                        || is_lost_cursor(&failure) =>
                {
                    return Err(failure);
                }
                Err(failure) => return Ok(Completeness::Partial(failure.error.message)),
            };
            first = false;
            patience.answered();
            let rows = get(&json, "Resources")
                .and_then(Value::as_array)
                .map_or(&[] as &[Value], Vec::as_slice);
            let shape = PageShape {
                ids: rows.iter().map(id_of).collect(),
                total: total(&json),
                next: get(&json, "nextCursor").and_then(text),
            };
            let fresh = pager.take(&shape);
            for (row, _) in rows.iter().zip(fresh).filter(|(_, new)| *new) {
                if visit(row).is_break() {
                    return Ok(Completeness::Partial("not all pages were read".to_owned()));
                }
            }
        }
        Ok(pager.completeness())
    }

    async fn page(
        &self,
        collection: &str,
        filter: Option<&str>,
        page: PageRequest,
    ) -> Result<Value, Failure> {
        let (start, count) = (page.start.to_string(), page.count.to_string());
        let place = match &page.cursor {
            Some(cursor) => ("cursor", cursor.as_str()),
            None => ("startIndex", start.as_str()),
        };
        let mut query = vec![place, ("count", count.as_str())];
        query.extend(filter.map(|filter| ("filter", filter)));
        let what = format!("listing {collection} from {start}");
        let answer = self.get(&[collection], &query, &what).await?;
        answer.json.filter(is_list).ok_or_else(|| {
            Failure::new(
                ErrorKind::Nonsense,
                format!("{what}: the answer is no SCIM list; is the base URL right?"),
            )
        })
    }
}

/// Whether the server does not know its own cursor any more (RFC 9865 section 2.1).
fn is_lost_cursor(failure: &Failure) -> bool {
    failure.is("expiredCursor") || failure.is("invalidCursor")
}

fn total(page: &Value) -> Option<u64> {
    match get(page, "totalResults")? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// Takes nested groups out of the holders, where members don't say what they are. Where not every user
/// was seen, one may have the same identifier as a group: then it is not known who holds it.
fn drop_nested(groups: &mut [GroupView], users: &Collection<ObservedAccount>) {
    let ids: HashSet<&str> = users.items.iter().map(|user| user.id.as_str()).collect();
    let nested: HashSet<String> = groups
        .iter()
        .map(|view| view.entitlement.id.as_str().to_owned())
        .filter(|id| !ids.contains(id.as_str()))
        .collect();
    for view in groups {
        let holders = &mut view.entitlement.holders;
        if users.completeness.is_complete() {
            holders.retain(|holder| !nested.contains(holder.as_str()));
        } else if view.entitlement.completeness.is_complete()
            && holders.iter().any(|id| nested.contains(id.as_str()))
        {
            let why = "not every user was seen, and a member may be a user or a group";
            view.entitlement.completeness = Completeness::Partial(why.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_member_is_taken_for_a_group_only_where_all_users_were_seen() {
        let read = |complete: bool| {
            let group =
                json!({"id": "7", "displayName": "a", "members": [{"value": "7"}, {"value": "1"}]});
            let mut groups = vec![resource::group(&group).unwrap()];
            let users = Collection {
                items: vec![resource::user(&json!({"id": "1", "userName": "a"}), &[]).unwrap()],
                odd: 0,
                completeness: if complete {
                    Completeness::Complete
                } else {
                    Completeness::Partial("cut".to_owned())
                },
            };
            drop_nested(&mut groups, &users);
            let group = groups.remove(0).entitlement;
            (group.holders.len(), group.completeness.is_complete())
        };
        assert_eq!(read(true), (1, true));
        assert_eq!(read(false), (2, false));
    }
}
