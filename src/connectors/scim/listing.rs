//! Listing everything: users, then groups with their members.

use std::collections::HashSet;
use std::ops::ControlFlow;

use futures::stream::{self, StreamExt as _};
use serde_json::Value;

use super::discovery::is_list;
use super::failure::Failure;
use super::groups::GroupRecord;
use super::json::get;
use super::paging::{PageRequest, PageShape, Pager};
use super::patience::Patience;
use super::resource::{self, GroupView, id_of};
use super::{ScimConnector, locked};
use crate::connectors::{ConnectorError, ErrorKind, Listing};
use crate::domain::account::{Completeness, ObservedAccount};
use crate::domain::ids::EntitlementId;

/// Oddities that are told, at most; the rest is counted.
const MAX_ODDITIES: usize = 50;
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
        let users = self
            .collect("Users", &mut oddities, |row| {
                resource::user(row, &self.paths)
            })
            .await?;
        let mut groups = self.groups(&mut oddities).await?;
        drop_nested(&mut groups.items, &users.items);
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
        })
    }

    async fn groups(
        &self,
        oddities: &mut Vec<String>,
    ) -> Result<Collection<GroupView>, ConnectorError> {
        let unreadable = |why: String| Collection {
            items: Vec::new(),
            odd: 0,
            completeness: Completeness::Unreadable(why),
        };
        if !self.dialect().announced.groups {
            return Ok(unreadable("the server has no groups".to_owned()));
        }
        let mut groups = match self.collect("Groups", oddities, resource::group).await {
            Ok(groups) => groups,
            Err(error) if error.kind.concerns_target() => return Err(error),
            Err(error) => return Ok(unreadable(error.message)),
        };
        if groups.items.iter().any(|view| view.repeats) {
            self.learn(|dialect| dialect.learnt.repeats_members = true);
        }
        self.read_members(&mut groups.items).await?;
        Ok(groups)
    }

    /// Reads each group by itself of which the list shows no members. Most servers leave `members` out
    /// of a group that has none, some out of every list, some out of large groups: only this tells which.
    async fn read_members(&self, groups: &mut [GroupView]) -> Result<(), ConnectorError> {
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
        Ok(())
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
        read: impl Fn(&Value) -> Result<T, String> + Send + Sync,
    ) -> Result<Collection<T>, ConnectorError> {
        let (mut items, mut odd) = (Vec::new(), 0_usize);
        let mut completeness = self
            .walk(collection, None, |row| {
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
            .await?;
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

    /// Walks through a list, page by page, and gives each new row to `visit` until it breaks.
    pub(super) async fn walk(
        &self,
        collection: &str,
        filter: Option<&str>,
        mut visit: impl FnMut(&Value) -> ControlFlow<()> + Send,
    ) -> Result<Completeness, ConnectorError> {
        let cap = self.dialect().announced.max_results.unwrap_or(u32::MAX);
        let mut pager = Pager::new(self.page_size.min(cap));
        let mut first = true;
        let mut patience = Patience::default();
        while let Some(page) = pager.next() {
            let json = match self.page(collection, filter, page).await {
                Ok(json) => json,
                Err(failure) if failure.too_large && pager.shrink() => continue,
                // A first page that is throttled is dispatch's to wait for, with all else.
                Err(failure)
                    if let (false, Some(wait)) = (first, patience.wait(&failure.error)) =>
                {
                    tokio::time::sleep(wait).await;
                    continue;
                }
                Err(failure) if first || failure.error.kind.concerns_target() => {
                    return Err(failure.into());
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
        let mut query = vec![("startIndex", start.as_str()), ("count", count.as_str())];
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

fn total(page: &Value) -> Option<u64> {
    match get(page, "totalResults")? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// Takes nested groups out of the holders, where members don't say what they are.
fn drop_nested(groups: &mut [GroupView], users: &[ObservedAccount]) {
    let users: HashSet<&str> = users.iter().map(|user| user.id.as_str()).collect();
    let nested: HashSet<String> = groups
        .iter()
        .map(|view| view.entitlement.id.as_str().to_owned())
        .filter(|id| !users.contains(id.as_str()))
        .collect();
    for view in groups {
        view.entitlement
            .holders
            .retain(|holder| !nested.contains(holder.as_str()));
    }
}
