//! Dropping a role: what it owns, in every database concerned, goes to somebody else first.

use tokio_postgres::Client;

use super::PostgresUsers;
use super::listing::oid;
use crate::connectors::Result;
use crate::connectors::sql::postgres::failure::Stage;
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
        let name = account.username.as_str();
        let what = format!("dropping role {name}");
        let failed = |error| self.server.failed(&what, &error, Stage::Undone);
        let mut client = self.server.client().await?;
        let finding = async { client.query(CONCERNED, &[&number]).await.map_err(failed) };
        let databases = self.server.bounded(&what, finding).await?;
        for row in &databases {
            let database: String = row.try_get(0).map_err(failed)?;
            if database == self.server.database() {
                self.release(&what, &mut client, name).await?;
            } else {
                let mut there = self.server.client_of(&database).await?;
                self.release(&what, &mut there, name).await?;
            }
        }
        let dropping = async {
            let transaction = client.transaction().await.map_err(failed)?;
            // Only the one that was meant: its name may be another's by now.
            let now = self.name_of(&what, &transaction, id).await?;
            self.utility(&what, &transaction, "DROP ROLE %I", &[&now])
                .await?;
            self.commit(&what, transaction).await
        };
        match self.server.bounded(&what, dropping).await {
            Err(error) if error.kind == crate::connectors::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// Gives away what a role owns in one database, and takes what was granted to it there.
    async fn release(&self, what: &str, client: &mut Client, name: &str) -> Result<()> {
        let releasing = async {
            let failed = |error| self.server.failed(what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            // To give away for another is to be one of them.
            self.utility(what, &transaction, "GRANT %I TO CURRENT_USER", &[name])
                .await?;
            let (reassign, roles) = match self.successor.as_deref() {
                Some(successor) => ("REASSIGN OWNED BY %I TO %I", vec![name, successor]),
                None => ("REASSIGN OWNED BY %I TO CURRENT_USER", vec![name]),
            };
            self.utility(what, &transaction, reassign, &roles).await?;
            self.utility(what, &transaction, "DROP OWNED BY %I", &[name])
                .await?;
            self.commit(what, transaction).await
        };
        self.server.bounded(what, releasing).await
    }
}
