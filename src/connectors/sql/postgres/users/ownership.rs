//! What a role owns, in every database and beside them, and the handing over of it to another role.

use std::collections::BTreeSet;

use tokio_postgres::{Client, GenericClient};

use super::PostgresUsers;
use super::listing::oid;
use super::utility::quoted;
use crate::connectors::offboarding::{MAX_NAMED, must_differ};
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, Owned, Result, Transfer};
use crate::domain::ids::AccountId;

/// What is a role's own: a thing of a database, or one that belongs to the whole server. Default privileges and user
/// mappings are settings of the role itself: nobody else has a use for them, and they go with it.
const OWN: &str = "s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1 AND s.deptype = 'o'
  AND s.classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)";

/// Where the things are, how many there are in each place, and whether one can connect to it. The whole server has no
/// name.
fn places() -> String {
    format!(
        "SELECT coalesce(d.datname::text, ''), coalesce(d.datallowconn, true), count(*)
FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid WHERE {OWN} GROUP BY 1, 2 ORDER BY 1"
    )
}

/// Some of the things that are in the database that is asked, or in none.
fn things(is_shared: bool) -> String {
    let place = if is_shared {
        "0"
    } else {
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    };
    format!(
        "SELECT i.type, i.identity FROM pg_shdepend s, pg_identify_object(s.classid, s.objid, 0) i
WHERE {OWN} AND s.dbid = {place} AND i.identity IS NOT NULL ORDER BY 1, 2 LIMIT {MAX_NAMED}"
    )
}

/// Whether we have the rights of a role at this moment.
const HAS_RIGHTS: &str = "SELECT pg_has_role(current_user, $1::oid, 'USAGE')";

/// A place where a role owns something.
struct Place {
    /// The database; empty for the whole server.
    database: String,
    /// Whether one can connect to it.
    is_open: bool,
    count: usize,
}

impl PostgresUsers {
    pub(super) async fn owned_by(&self, id: &AccountId) -> Result<Owned> {
        let what = format!("looking what role {id} owns");
        let client = self.server.client().await?;
        self.must_be_there(&what, &client, id).await?;
        self.things_of(&what, &client, id).await
    }

    async fn must_be_there(&self, what: &str, client: &Client, id: &AccountId) -> Result<()> {
        let seen = self.seen(what, client, id);
        let seen = self.server.bounded(what, Stage::Undone, seen);
        seen.await.map(drop)
    }

    async fn things_of(&self, what: &str, client: &Client, id: &AccountId) -> Result<Owned> {
        let mut all = Owned::default();
        for place in self.places_of(what, client, id).await? {
            all.total += place.count;
            let Place { database, .. } = &place;
            if !place.is_open {
                let hidden = format!("{} things in database {database}", place.count);
                all.things
                    .push(format!("{hidden}, which takes no connections"));
            } else if database.is_empty() || database == self.server.database() {
                all.things
                    .extend(self.named(what, client, database, id).await?);
            } else {
                let other = self.server.client_of(database).await?;
                all.things
                    .extend(self.named(what, &other, database, id).await?);
            }
        }
        all.things.sort_unstable();
        all.things.truncate(MAX_NAMED);
        Ok(all)
    }

    async fn places_of(&self, what: &str, client: &Client, id: &AccountId) -> Result<Vec<Place>> {
        let number = oid(id.as_str()).unwrap_or_default();
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let asking = async {
            let rows = client.query(&places(), &[&number]).await.map_err(failed)?;
            let places = rows.iter().map(|row| {
                let count: i64 = row.try_get(2).map_err(failed)?;
                Ok(Place {
                    database: row.try_get(0).map_err(failed)?,
                    is_open: row.try_get(1).map_err(failed)?,
                    count: usize::try_from(count).unwrap_or_default(),
                })
            });
            places.collect()
        };
        self.server.bounded(what, Stage::Undone, asking).await
    }

    /// Databases, and whether something in one of them, or beside them, is a role's own.
    pub(super) async fn owns_in(
        &self,
        what: &str,
        client: &Client,
        id: &AccountId,
    ) -> Result<Vec<String>> {
        let places = self.places_of(what, client, id).await?;
        let databases = places
            .into_iter()
            .map(|place| match place.database.as_str() {
                "" => self.server.database().to_owned(),
                _ => place.database,
            });
        let databases: BTreeSet<String> = databases.collect();
        Ok(databases.into_iter().collect())
    }

    /// Whether something in the database that is asked, or beside all of them, is a role's own.
    pub(super) async fn owns_here(
        &self,
        what: &str,
        client: &impl GenericClient,
        id: &AccountId,
    ) -> Result<bool> {
        let number = oid(id.as_str()).unwrap_or_default();
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        for is_shared in [false, true] {
            let rows = client.query(&things(is_shared), &[&number]).await;
            if !rows.map_err(failed)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn named(
        &self,
        what: &str,
        client: &Client,
        database: &str,
        id: &AccountId,
    ) -> Result<Vec<String>> {
        let number = oid(id.as_str()).unwrap_or_default();
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let text = things(database.is_empty());
        let asking = async {
            let rows = client.query(&text, &[&number]).await.map_err(failed)?;
            let named = rows.iter().map(|row| {
                let kind: String = row.try_get(0).map_err(failed)?;
                let identity: String = row.try_get(1).map_err(failed)?;
                Ok(if database.is_empty() {
                    format!("{kind} {identity}")
                } else {
                    format!("{kind} {database}.{identity}")
                })
            });
            named.collect()
        };
        self.server.bounded(what, Stage::Undone, asking).await
    }

    /// Gives all of it to another role, database by database. Nothing is dropped, and what was granted stays granted.
    pub(super) async fn hand_over(&self, from: &AccountId, to: &AccountId) -> Result<Transfer> {
        let what = format!("handing over what role {from} owns");
        must_differ(&what, from, to)?;
        let mut client = self.server.client().await?;
        self.must_be_there(&what, &client, from).await?;
        let receiving = format!("{what}: to role {to}");
        self.must_be_there(&receiving, &client, to).await?;
        let before = self.things_of(&what, &client, from).await?;
        let mut others = Vec::new();
        let mut is_concerned = false;
        // All of them can be spoken to before one is changed.
        for place in self.places_of(&what, &client, from).await? {
            if place.database.is_empty() || place.database == self.server.database() {
                is_concerned = true;
            } else if place.is_open {
                others.push(self.server.client_of(&place.database).await?);
            }
        }
        for other in &mut others {
            self.reassign(&what, other, from, to).await?;
        }
        if is_concerned {
            self.reassign(&what, &mut client, from, to).await?;
        }
        let left = self.things_of(&what, &client, from).await?;
        Ok(Transfer::between(before, left))
    }

    async fn reassign(
        &self,
        what: &str,
        client: &mut Client,
        from: &AccountId,
        to: &AccountId,
    ) -> Result<()> {
        let reassigning = async {
            let failed = |error| self.server.failed(what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            let old = quoted(&self.name_of(what, &transaction, from).await?);
            let new = quoted(&self.name_of(what, &transaction, to).await?);
            let mut statements = vec![format!("REASSIGN OWNED BY {old} TO {new}")];
            for (id, name) in [(from, &old), (to, &new)] {
                self.as_one_of(what, &transaction, id, name, &mut statements)
                    .await?;
            }
            self.utility(what, &transaction, &statements.join(";"))
                .await
                .map_err(may_not)?;
            self.commit(what, transaction).await
        };
        self.server
            .bounded(what, Stage::Committing, reassigning)
            .await
    }

    /// To give away for another, or to another, is to be one of them, for as long as the statements take.
    pub(super) async fn as_one_of(
        &self,
        what: &str,
        client: &impl GenericClient,
        id: &AccountId,
        name: &str,
        statements: &mut Vec<String>,
    ) -> Result<()> {
        let number = oid(id.as_str()).unwrap_or_default();
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let row = client.query_one(HAS_RIGHTS, &[&number]).await;
        let has_rights: bool = row.map_err(failed)?.try_get(0).map_err(failed)?;
        if !has_rights {
            statements.insert(0, format!("GRANT {name} TO CURRENT_USER"));
            statements.push(format!("REVOKE {name} FROM CURRENT_USER"));
        }
        Ok(())
    }
}

/// What whoever gets something must be allowed.
fn may_not(error: ConnectorError) -> ConnectorError {
    if error.kind != ErrorKind::Forbidden {
        return error;
    }
    error.with_remedy("let the one who gets it CREATE in the databases and schemas where the things are, and our role administer both")
}
