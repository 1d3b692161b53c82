//! Our mark, put on a role that was there before, or taken off.

use super::PostgresUsers;
use super::accounts::gone;
use crate::connectors::sql::server::Stage;
use crate::connectors::{MarkChange, Result};
use crate::domain::account::ObservedAccount;
use crate::domain::ids::AccountId;

impl PostgresUsers {
    /// A comment that is somebody's own is not written over, nor taken off.
    pub(super) async fn mark_account(
        &self,
        id: &AccountId,
        change: &MarkChange,
    ) -> Result<ObservedAccount> {
        let what = format!("{} role {id}", change.doing());
        let mut client = self.server.client().await?;
        let marking = async {
            let failed = |error| self.server.failed(&what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            let now = self.seen(&what, &transaction, id).await?;
            if !change.is_open(&what, now.mark.as_deref())? {
                return Ok(now);
            }
            let name = now.username.as_str();
            let (comment, arguments) = match change {
                MarkChange::Put(mark) => ("COMMENT ON ROLE %I IS %L", vec![name, mark.as_str()]),
                MarkChange::Take(_) => ("COMMENT ON ROLE %I IS NULL", vec![name]),
            };
            self.utility(&what, &transaction, comment, &arguments)
                .await?;
            let seen = self
                .accounts_where(&what, &transaction, "role.rolname = $1", &[&name])
                .await?;
            let seen = seen.into_iter().next().ok_or_else(|| gone(&what))?;
            self.commit(&what, transaction).await?;
            Ok(seen)
        };
        self.server.bounded(&what, Stage::Committing, marking).await
    }
}
