//! Dropping a role: what it owns, in every database concerned, goes to somebody else first.

use tokio_postgres::Client;

use super::PostgresUsers;
use super::listing::oid;
use super::utility::quoted;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, Result};
use crate::domain::ids::AccountId;

/// Databases in which something belongs to a role, or was granted to it.
const CONCERNED: &str = "SELECT DISTINCT d.datname::text FROM pg_shdepend s
JOIN pg_database d ON d.oid = s.dbid OR (s.dbid = 0 AND d.datname = current_database())
WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1 AND d.datallowconn";

/// Whether a role is one of another already.
const IS_MEMBER: &str =
    "SELECT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
WHERE m.roleid = $1 AND r.rolname = current_user)";

impl PostgresUsers {
    pub(super) async fn drop_account(&self, id: &AccountId) -> Result<()> {
        let Some(number) = oid(id.as_str()) else {
            return Ok(());
        };
        let Some(account) = self.read_account(id).await? else {
            return Ok(());
        };
        let what = format!("dropping role {}", account.username);
        let failed = |error| self.server.failed(&what, &error, Stage::Undone);
        let mut client = self.server.client().await?;
        let finding = async { client.query(CONCERNED, &[&number]).await.map_err(failed) };
        let rows = self.server.bounded(&what, Stage::Undone, finding).await?;
        let databases = rows.iter().map(|row| row.try_get(0).map_err(failed));
        let databases: Vec<String> = databases.collect::<Result<_>>()?;
        if !databases.is_empty() {
            let Some(successor) = &self.successor else {
                return Err(ConnectorError::new(
                    ErrorKind::Forbidden,
                    format!(
                        "{what}: things belong to it, or were granted to it, in {}: let spec.sql.users.successor name a role that gets them",
                        databases.join(", ")
                    ),
                ));
            };
            // Nothing new is made while that goes on.
            self.switch_account(id, false).await?;
            // All of them can be spoken to before one is changed.
            let mut others = Vec::new();
            for database in databases
                .iter()
                .filter(|name| *name != self.server.database())
            {
                others.push(self.server.client_of(database).await?);
            }
            for other in &mut others {
                self.release(&what, other, id, successor).await?;
            }
            self.release(&what, &mut client, id, successor).await?;
        }
        let dropping = async {
            let transaction = client.transaction().await.map_err(failed)?;
            // Only the one that was meant: its name may be another's by now.
            let now = self.name_of(&what, &transaction, id).await?;
            let drop = format!("DROP ROLE {}", quoted(&now));
            self.utility(&what, &transaction, &drop).await?;
            self.commit(&what, transaction).await
        };
        match self
            .server
            .bounded(&what, Stage::Committing, dropping)
            .await
        {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// Gives away what a role owns in one database, and takes what was granted to it there.
    async fn release(
        &self,
        what: &str,
        client: &mut Client,
        id: &AccountId,
        successor: &str,
    ) -> Result<()> {
        let number = oid(id.as_str()).unwrap_or_default();
        let releasing = async {
            let failed = |error| self.server.failed(what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            let name = self.name_of(what, &transaction, id).await?;
            let row = transaction.query_one(IS_MEMBER, &[&number]).await;
            let was_member: bool = row.map_err(failed)?.try_get(0).map_err(failed)?;
            let (name, successor) = (quoted(&name), quoted(successor));
            let mut statements = vec![
                format!("REASSIGN OWNED BY {name} TO {successor}"),
                format!("DROP OWNED BY {name}"),
            ];
            if !was_member {
                // To give away for another is to be one of them.
                statements.insert(0, format!("GRANT {name} TO CURRENT_USER"));
                statements.push(format!("REVOKE {name} FROM CURRENT_USER"));
            }
            self.utility(what, &transaction, &statements.join(";"))
                .await?;
            self.commit(what, transaction).await
        };
        self.server
            .bounded(what, Stage::Committing, releasing)
            .await
    }
}
