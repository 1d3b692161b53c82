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
            let successor = self.successor.as_deref();
            let owns_in = self.owns_in(&what, &client, id).await?;
            if successor.is_none() && !owns_in.is_empty() {
                return Err(still_owns(&what, &owns_in));
            }
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

    /// Gives away what a role owns in one database, and takes what was granted to it there. Without a successor it
    /// must own nothing.
    async fn release(
        &self,
        what: &str,
        client: &mut Client,
        id: &AccountId,
        successor: Option<&str>,
    ) -> Result<()> {
        let releasing = async {
            let failed = |error| self.server.failed(what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            let name = self.name_of(what, &transaction, id).await?;
            let name = quoted(&name);
            let mut statements = Vec::new();
            if let Some(successor) = successor {
                let successor = quoted(successor);
                statements.push(format!("REASSIGN OWNED BY {name} TO {successor}"));
            } else if self.owns_here(what, &transaction, id).await? {
                // Something was made since it was looked, and would be dropped.
                return Err(still_owns(what, &["a database".to_owned()]));
            }
            statements.push(format!("DROP OWNED BY {name}"));
            self.as_one_of(what, &transaction, id, &name, &mut statements)
                .await?;
            self.utility(what, &transaction, &statements.join(";"))
                .await?;
            self.commit(what, transaction).await
        };
        self.server
            .bounded(what, Stage::Committing, releasing)
            .await
    }
}

fn still_owns(what: &str, databases: &[String]) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Forbidden,
        format!(
            "{what}: things belong to it in {}: hand them over first, or let spec.sql.users.successor name a role that gets them",
            databases.join(", ")
        ),
    )
}
