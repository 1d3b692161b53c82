//! Our mark, put on a role that was there before, or taken off.

use tokio_postgres::types::Type;

use super::PostgresUsers;
use super::accounts::gone;
use super::listing::CALLED;
use super::utility::{literal, quoted};
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
            let comment = match change {
                MarkChange::Put(mark) => literal(mark.as_str()),
                MarkChange::Take(_) => "NULL".to_owned(),
            };
            let comment = format!("COMMENT ON ROLE {} IS {comment}", quoted(name));
            self.utility(&what, &transaction, &comment).await?;
            let seen = self
                .accounts_where(&what, &transaction, CALLED, &[(&name, Type::TEXT)])
                .await?;
            let seen = seen.into_iter().next().ok_or_else(|| gone(&what))?;
            self.commit(&what, transaction).await?;
            Ok(seen)
        };
        self.server.bounded(&what, Stage::Committing, marking).await
    }
}
