//! Group roles: made, dropped, granted, revoked.

use std::collections::HashMap;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::PostgresUsers;
use super::accounts::gone;
use super::listing::{is_account, oid};
use super::utility::{checked, quoted};
use crate::connectors::sql::names::NameOf;
use crate::connectors::sql::postgres::prepared::{Connection, Param};
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
        let text = checked(name.as_str(), NameOf::Role)?;
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
        client: &Connection,
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
        let params: [Param<'_>; 1] = [(&number, Type::OID)];
        let rows = client.ask(&text, &params).await.map_err(failed)?;
        let name = rows.first().map(|row| row.try_get(0).map_err(failed));
        name.transpose()
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
        client: &Connection,
        group: &EntitlementId,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Result<HashMap<String, (String, bool)>> {
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let oids: Vec<u32> = ids.into_iter().filter_map(oid).collect();
        let group = oid(group.as_str()).unwrap_or_default();
        let params: [Param<'_>; 2] = [(&oids, Type::OID_ARRAY), (&group, Type::OID)];
        let rows = client.ask(THERE, &params).await.map_err(failed)?;
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
            let (roles, name) = futures::join!(
                self.there(&what, &client, group, ids),
                self.group_name(&what, &client, group)
            );
            let (roles, Some(name)) = (roles?, name?) else {
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
                    if error.kind.concerns_target()
                        || error.kind == ErrorKind::OutcomeUnknown
                        || (there.len() == 1 && results.is_empty()) =>
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
        let name = quoted(group);
        let those = |wanted: bool| {
            let those = members.iter().filter(move |(member, _)| *member == wanted);
            those.map(|(_, role)| *role).collect::<Vec<&str>>()
        };
        let change = |verb: &str, roles: &[&str]| {
            let roles: Vec<String> = roles.iter().map(|role| quoted(role)).collect();
            format!("{verb} {}", roles.join(", "))
        };
        let (given, taken) = (those(true), those(false));
        let grant = change(&format!("GRANT {name} TO"), &given);
        if taken.is_empty() {
            // By itself it is carried out whole, or, where the server says why not, not at all.
            return client.batch_execute(&grant).await.map_err(|error| {
                let stage = match error.as_db_error() {
                    Some(_) => Stage::Undone,
                    None => Stage::Committing,
                };
                self.server.failed(what, &error, stage)
            });
        }
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let transaction = client.transaction().await.map_err(failed)?;
        if !given.is_empty() {
            self.utility(what, &transaction, &grant).await?;
        }
        let revoke = change(&format!("REVOKE {name} FROM"), &taken);
        self.utility(what, &transaction, &revoke).await?;
        // Where somebody else gave it too, taking ours away takes nothing (PostgreSQL 16).
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
