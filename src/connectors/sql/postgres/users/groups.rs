//! Group roles: made, dropped, granted, revoked.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::PostgresUsers;
use super::accounts::gone;
use super::listing::{is_account, oid};
use super::utility::{NameOf, checked, quoted};
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, HolderChange, HolderResults, Result};
use crate::domain::account::{Completeness, ObservedEntitlement};
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

/// Roles, each with whether it is a member of one.
const THERE: &str = "SELECT r.oid, r.rolname::text,
    EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = $2 AND m.member = r.oid)
  FROM pg_roles r WHERE r.oid = ANY($1)";

impl PostgresUsers {
    async fn group_called(
        &self,
        what: &str,
        client: &Client,
        name: &str,
    ) -> Result<Option<ObservedEntitlement>> {
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let text = format!(
            "SELECT oid, {} FROM pg_roles role WHERE rolname = $1",
            is_account()
        );
        let Some(row) = client.query_opt(&text, &[&name]).await.map_err(failed)? else {
            return Ok(None);
        };
        let is_account: bool = row.try_get(1).map_err(failed)?;
        if is_account {
            return Err(ConnectorError::new(
                ErrorKind::Taken,
                format!("{what}: {name} is an account"),
            ));
        }
        let oid: u32 = row.try_get(0).map_err(failed)?;
        Ok(Some(ObservedEntitlement {
            id: EntitlementId::new(oid.to_string()),
            name: EntitlementName::new(name),
            holders: Vec::new(),
            completeness: Completeness::Partial("its members were not read".to_owned()),
        }))
    }

    /// Makes a group role, unless there is one of that name.
    pub(super) async fn create_group(&self, name: &EntitlementName) -> Result<ObservedEntitlement> {
        let text = checked(name.as_str(), NameOf::Group)?;
        let what = format!("making role {name}");
        let client = self.server.client().await?;
        let making = async {
            if let Some(there) = self.group_called(&what, &client, text).await? {
                return Ok(there);
            }
            let create = format!("CREATE ROLE {} NOLOGIN", quoted(text));
            let made = client.batch_execute(&create).await;
            made.map_err(|error| self.server.failed(&what, &error, Stage::Committing))?;
            let made = self.group_called(&what, &client, text).await?;
            made.ok_or_else(|| gone(&what))
        };
        self.server.bounded(&what, Stage::Committing, making).await
    }

    /// The name that a group has now. An account is none.
    async fn group_name(
        &self,
        what: &str,
        client: &Client,
        id: &EntitlementId,
    ) -> Result<Option<String>> {
        let Some(number) = oid(id.as_str()) else {
            return Ok(None);
        };
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let text = format!(
            "SELECT rolname::text FROM pg_roles role WHERE oid = $1 AND NOT {}",
            is_account()
        );
        let row = client.query_opt(&text, &[&number]).await.map_err(failed)?;
        row.map(|row| row.try_get(0).map_err(failed)).transpose()
    }

    pub(super) async fn drop_group(&self, id: &EntitlementId) -> Result<()> {
        let what = format!("dropping role {id}");
        let client = self.server.client().await?;
        let dropping = async {
            let Some(name) = self.group_name(&what, &client, id).await? else {
                return Ok(());
            };
            let drop = format!("DROP ROLE {}", quoted(&name));
            let dropped = client.batch_execute(&drop).await;
            dropped.map_err(|error| self.server.failed(&what, &error, Stage::Committing))
        };
        self.server
            .bounded(&what, Stage::Committing, dropping)
            .await
    }

    /// Names that roles have now, and whether they are members of a group, by identifier; those that are not there are
    /// missing.
    async fn there<'i>(
        &self,
        what: &str,
        client: &Client,
        group: &EntitlementId,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Result<HashMap<String, (String, bool)>> {
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let oids: Vec<u32> = ids.into_iter().filter_map(oid).collect();
        let group = oid(group.as_str()).unwrap_or_default();
        let rows = client.query(THERE, &[&oids, &group]).await;
        let rows = rows.map_err(failed)?;
        let read = rows.iter().map(|row| {
            let oid: u32 = row.try_get(0)?;
            Ok((oid.to_string(), (row.try_get(1)?, row.try_get(2)?)))
        });
        read.collect::<std::result::Result<_, tokio_postgres::Error>>()
            .map_err(failed)
    }

    pub(super) async fn change_members(
        &self,
        group: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults> {
        let what = format!("changing the members of role {group}");
        let mut client = self.server.client().await?;
        let changing = async {
            let ids = change.wishes().map(|(account, _)| account.as_str());
            let roles = self.there(&what, &client, group, ids).await?;
            let Some(name) = self.group_name(&what, &client, group).await? else {
                return Err(gone(&what));
            };
            let name = name.as_str();
            let mut results: HashMap<&AccountId, Result<()>> = HashMap::new();
            let mut there: Vec<(&AccountId, bool, &str)> = Vec::new();
            for (account, member) in change.wishes() {
                match roles.get(account.as_str()) {
                    // After an answer that was lost it may be so already.
                    Some((_, is_member)) if *is_member == member => {
                        results.insert(account, Ok(()));
                    }
                    Some((role, _)) => there.push((account, member, role)),
                    None => {}
                }
            }
            // All at once, as they nearly always can; else one by one, so that each is told for itself.
            let all: Vec<(bool, &str)> = there.iter().map(|(_, m, role)| (*m, *role)).collect();
            match self.grant(&what, &mut client, name, &all).await {
                Ok(()) => results.extend(there.iter().map(|(account, ..)| (*account, Ok(())))),
                Err(error)
                    if error.kind.concerns_target() || (there.len() == 1 && results.is_empty()) =>
                {
                    return Err(error);
                }
                Err(_) => {
                    for (account, member, role) in there {
                        let one = self
                            .grant(&what, &mut client, name, &[(member, role)])
                            .await;
                        results.insert(account, one);
                    }
                }
            }
            let each = change.wishes().map(|(account, member)| {
                // Nobody is a member who is not there.
                let absent = if member { Err(gone(&what)) } else { Ok(()) };
                (account.clone(), results.remove(account).unwrap_or(absent))
            });
            Ok(each.collect())
        };
        self.server
            .bounded(&what, Stage::Committing, changing)
            .await
    }

    async fn grant(
        &self,
        what: &str,
        client: &mut Client,
        group: &str,
        members: &[(bool, &str)],
    ) -> Result<()> {
        if members.is_empty() {
            return Ok(());
        }
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let transaction = client.transaction().await.map_err(failed)?;
        let name = quoted(group);
        for (wanted, verb) in [
            (true, format!("GRANT {name} TO")),
            (false, format!("REVOKE {name} FROM")),
        ] {
            let roles: Vec<String> = members
                .iter()
                .filter(|(member, _)| *member == wanted)
                .map(|(_, role)| quoted(role))
                .collect();
            if roles.is_empty() {
                continue;
            }
            let change = format!("{verb} {}", roles.join(", "));
            self.utility(what, &transaction, &change).await?;
        }
        // Where somebody else gave it too, taking ours away takes nothing (PostgreSQL 16).
        let taken: Vec<&str> = members
            .iter()
            .filter(|(member, _)| !member)
            .map(|(_, role)| *role)
            .collect();
        let left =
            "SELECT m.rolname::text FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
          JOIN pg_roles m ON m.oid = a.member WHERE g.rolname = $1 AND m.rolname = ANY($2)";
        let left = transaction
            .query(left, &[&group, &taken])
            .await
            .map_err(failed)?;
        if let Some(row) = left.first() {
            let role: String = row.try_get(0).map_err(failed)?;
            return Err(ConnectorError::new(
                ErrorKind::Forbidden,
                format!(
                    "{what}: {role} has {group} from somebody else as well, who must take it away: REVOKE … GRANTED BY that role"
                ),
            ));
        }
        self.commit(what, transaction).await
    }
}
