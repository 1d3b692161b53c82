//! Roles read as accounts and groups.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient, Row};

use super::names::{ALIKE, pattern};
use super::{CONNECTION_LIMIT, PostgresUsers, VALID_UNTIL};
use crate::connectors::sql::postgres::prepared::{Connection, Param};
use crate::connectors::sql::server::{MARK, Stage, users_capabilities};
use crate::connectors::{Capabilities, FindKey, Listing, Result};
use crate::domain::account::{
    Activity, AttributeValue, Attributes, Completeness, ObservedAccount, ObservedEntitlement,
};
use crate::domain::ids::{AccountId, AttributeName, EntitlementId, EntitlementName, Username};

/// Every role, with all that is asked of one. Whoever still has a session can still act, also where nobody
/// can sign in any more.
const ROLES: &str = "SELECT role.oid, role.rolname::text, shobj_description(role.oid, 'pg_authid') AS mark,
  role.rolcanlogin OR EXISTS (SELECT FROM pg_stat_activity s WHERE s.usesysid = role.oid) AS active,
  CASE WHEN role.rolvaliduntil IS NULL OR role.rolvaliduntil = 'infinity' THEN NULL
    ELSE to_char(role.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END AS valid_until,
  role.rolconnlimit
FROM pg_roles role
WHERE role.rolname !~ '^pg_'";

/// The roles that bear a mark. Comments are looked through once, and not once for each role.
const MARKED: &str = "role.oid IN (SELECT d.objoid FROM pg_shdescription d
  WHERE d.classoid = 'pg_authid'::regclass AND d.description = $1)";

/// The role of an identifier.
pub(super) const NUMBERED: &str = "role.oid = $1";
/// The role of a name, as it is written.
pub(super) const CALLED: &str = "role.rolname = $1";

/// A role is an account if it may sign in, or bears a mark: one that is disabled may not.
pub(super) fn is_account() -> String {
    format!(
        "(role.rolcanlogin OR coalesce(shobj_description(role.oid, 'pg_authid') ~ '{MARK}', false))"
    )
}

/// The others are groups, those that come with PostgreSQL included.
const GROUPS: &str = "SELECT role.oid, role.rolname::text FROM pg_roles role";

impl PostgresUsers {
    pub(super) async fn find_out(&self) -> Result<Capabilities> {
        drop(self.server.client().await?);
        Ok(Capabilities {
            ownership: true,
            ..users_capabilities()
        })
    }

    /// Accounts, as a transaction sees them.
    pub(super) async fn accounts_where(
        &self,
        what: &str,
        client: &impl GenericClient,
        condition: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<ObservedAccount>> {
        let text = format!("{ROLES} AND {condition}");
        self.accounts(what, client.query_typed(&text, params).await)
    }

    /// The same, outside of any transaction, where a question is planned once.
    pub(super) async fn accounts_asked(
        &self,
        what: &str,
        connection: &Connection,
        condition: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<ObservedAccount>> {
        let text = format!("{ROLES} AND {condition}");
        self.accounts(what, connection.ask(&text, params).await)
    }

    fn accounts(
        &self,
        what: &str,
        rows: std::result::Result<Vec<Row>, Error>,
    ) -> Result<Vec<ObservedAccount>> {
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let rows = rows.map_err(failed)?;
        rows.iter()
            .map(|row| account(row).map_err(failed))
            .collect()
    }

    pub(super) async fn read_account(&self, id: &AccountId) -> Result<Option<ObservedAccount>> {
        let Some(oid) = oid(id.as_str()) else {
            return Ok(None);
        };
        let what = format!("reading role {id}");
        let client = self.server.client().await?;
        let params: [Param<'_>; 1] = [(&oid, Type::OID)];
        // Whatever it looks like: one that lost its mark is not gone.
        let reading = self.accounts_asked(&what, &client, NUMBERED, &params);
        Ok(self
            .server
            .bounded(&what, Stage::Undone, reading)
            .await?
            .pop())
    }

    pub(super) async fn find_accounts(&self, key: &FindKey) -> Result<Vec<ObservedAccount>> {
        let (condition, value, what) = match key {
            FindKey::Mark(mark) => (MARKED.to_owned(), mark.clone(), format!("finding {mark}")),
            FindKey::Username(name) => (
                format!("{ALIKE} $1"),
                pattern(name.as_str()),
                format!("finding the role {name}"),
            ),
        };
        let client = self.server.client().await?;
        let params: [Param<'_>; 1] = [(&value, Type::TEXT)];
        let finding = self.accounts_asked(&what, &client, &condition, &params);
        let mut found = self.server.bounded(&what, Stage::Undone, finding).await?;
        found.retain(|account| key.fits(account));
        Ok(found)
    }

    pub(super) async fn list_all(&self) -> Result<Listing> {
        let what = "listing roles";
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let mut client = self.server.client().await?;
        let listing = async {
            // One picture of all, as roles come and go between two statements.
            let begun = client
                .build_transaction()
                .read_only(true)
                .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
                .start();
            let transaction = begun.await.map_err(failed)?;
            let accounts = self
                .accounts_where(what, &transaction, &is_account(), &[])
                .await?;
            let text = format!("{GROUPS} WHERE NOT {}", is_account());
            let groups = transaction.query(&text, &[]).await.map_err(failed)?;
            let members = "SELECT roleid, member FROM pg_auth_members";
            let members = transaction.query(members, &[]).await.map_err(failed)?;
            transaction.commit().await.map_err(failed)?;
            let mut held: HashMap<u32, Vec<AccountId>> = HashMap::new();
            for row in &members {
                let group: u32 = row.try_get(0).map_err(failed)?;
                let member: u32 = row.try_get(1).map_err(failed)?;
                held.entry(group)
                    .or_default()
                    .push(AccountId::new(member.to_string()));
            }
            let known: std::collections::HashSet<&AccountId> =
                accounts.iter().map(|account| &account.id).collect();
            let entitlements = groups.iter().map(|row| {
                let oid: u32 = row.try_get(0).map_err(failed)?;
                let name: String = row.try_get(1).map_err(failed)?;
                let mut holders = held.remove(&oid).unwrap_or_default();
                holders.retain(|holder| known.contains(holder));
                holders.sort();
                holders.dedup();
                Ok(ObservedEntitlement {
                    id: EntitlementId::new(oid.to_string()),
                    name: EntitlementName::new(name),
                    holders,
                    completeness: Completeness::Complete,
                })
            });
            let entitlements = entitlements.collect::<Result<Vec<_>>>()?;
            Ok(Listing {
                entitlements,
                accounts,
                accounts_completeness: Completeness::Complete,
                entitlements_completeness: Completeness::Complete,
                oddities: Vec::new(),
                requests: 3,
            })
        };
        self.server.bounded(what, Stage::Undone, listing).await
    }
}

/// The number of a role. `None` where nothing can have that identifier.
pub(super) fn oid(id: &str) -> Option<u32> {
    id.parse().ok()
}

fn account(row: &Row) -> std::result::Result<ObservedAccount, tokio_postgres::Error> {
    let oid: u32 = row.try_get(0)?;
    let username: String = row.try_get(1)?;
    let active: bool = row.try_get(3)?;
    let valid_until: Option<String> = row.try_get(4)?;
    let connections: i32 = row.try_get(5)?;
    let mut attributes = Attributes::default();
    if let Some(until) = valid_until {
        attributes.insert(AttributeName::new(VALID_UNTIL), AttributeValue::Text(until));
    }
    // As many as there can be.
    if connections >= 0 {
        let limit = AttributeValue::Integer(connections.into());
        attributes.insert(AttributeName::new(CONNECTION_LIMIT), limit);
    }
    Ok(ObservedAccount {
        id: AccountId::new(oid.to_string()),
        username: Username::new(username),
        mark: row.try_get(2)?,
        activity: if active {
            Activity::Active
        } else {
            Activity::Disabled
        },
        attributes,
        unfinished: false,
    })
}
