//! Our mark, put on a role that was there before, or taken off.

use super::PostgresUsers;
use super::accounts::gone;
use crate::connectors::sql::server::{Stage, is_mark};
use crate::connectors::{ConnectorError, ErrorKind, Result};
use crate::domain::account::ObservedAccount;
use crate::domain::ids::AccountId;
use crate::domain::mark::Mark;

impl PostgresUsers {
    /// A comment that is somebody's own is not written over.
    pub(super) async fn mark_account(
        &self,
        id: &AccountId,
        mark: Option<&Mark>,
    ) -> Result<ObservedAccount> {
        let doing = if mark.is_some() {
            "marking"
        } else {
            "taking our mark off"
        };
        let what = format!("{doing} role {id}");
        let mut client = self.server.client().await?;
        let marking = async {
            let failed = |error| self.server.failed(&what, &error, Stage::Undone);
            let transaction = client.transaction().await.map_err(failed)?;
            let now = self.seen(&what, &transaction, id).await?;
            let held = now.mark.as_deref().filter(|comment| !comment.is_empty());
            match (held, mark) {
                (Some(held), Some(mark)) if held == mark.as_str() => return Ok(now),
                (Some(held), Some(_)) if is_mark(held) => {
                    return Err(ConnectorError::new(
                        ErrorKind::Changed,
                        format!("{what}: it bears the mark {held} by now"),
                    ));
                }
                (Some(held), Some(_)) => {
                    return Err(ConnectorError::new(
                        ErrorKind::Invalid,
                        format!(
                            "{what}: its comment is {held:?}, where our mark would stand: COMMENT ON ROLE \"{}\" IS NULL",
                            now.username
                        ),
                    ));
                }
                (None, None) => return Ok(now),
                (Some(_), None) | (None, Some(_)) => {}
            }
            let name = now.username.as_str();
            let (comment, arguments) = match mark {
                Some(mark) => ("COMMENT ON ROLE %I IS %L", vec![name, mark.as_str()]),
                None => ("COMMENT ON ROLE %I IS NULL", vec![name]),
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
