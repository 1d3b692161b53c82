//! Our mark, put on a user that was there before, or taken off.

use mysql_async::prelude::Queryable as _;

use super::MySqlUsers;
use super::flavour::flavour;
use super::limits::check;
use super::listing::Found;
use crate::connectors::sql::mysql::connection::Session;
use crate::connectors::sql::names::NameOf;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, MarkChange, Result};
use crate::domain::account::ObservedAccount;
use crate::domain::ids::AccountId;

impl MySqlUsers {
    pub(super) async fn mark_account(
        &self,
        id: &AccountId,
        change: &MarkChange,
    ) -> Result<ObservedAccount> {
        let what = format!("{} user {id}", change.doing());
        let mut connection = self.server.connection().await?;
        let marking = async {
            let found = self.there(&what, &mut connection, id).await?;
            if !change.is_open(&what, found.mark.as_deref())? {
                return Ok(self.account(&found));
            }
            let id = match change {
                MarkChange::Put(mark) => {
                    self.put(&what, &mut connection, &found, mark.as_str())
                        .await?;
                    AccountId::new(mark.as_str())
                }
                MarkChange::Take(mark) => {
                    self.take(&what, &mut connection, &found, mark.as_str())
                        .await?;
                    found.user.id()
                }
            };
            self.seen(&what, &mut connection, &id).await
        };
        self.server.bounded(&what, Stage::Committing, marking).await
    }

    async fn put(
        &self,
        what: &str,
        connection: &mut Session,
        found: &Found,
        mark: &str,
    ) -> Result<()> {
        let flavour = flavour(connection);
        check(flavour, what, mark, NameOf::Mark)?;
        self.lock(what, connection, mark).await?;
        let user = &found.user;
        if let Some(other) = self.marked(what, connection, mark).await?.first() {
            return Err(ConnectorError::new(
                ErrorKind::Changed,
                format!("{what}: {} bears that mark by now", other.user),
            ));
        }
        let statements = flavour.put(what, found, mark)?;
        // Sessions are known by the name alone.
        self.must_be_free(what, connection, &user.name, Some(user))
            .await?;
        self.run_all(what, connection, statements).await
    }

    /// Takes a user's own role away. What was given by it is theirs directly from then on.
    async fn take(
        &self,
        what: &str,
        connection: &mut Session,
        found: &Found,
        mark: &str,
    ) -> Result<()> {
        let flavour = flavour(connection);
        let own = flavour.role(&flavour.own_role(mark));
        let given = flavour.given();
        let text = format!("SELECT g.given FROM ({given}) g WHERE g.name = ? AND g.host = ?");
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let given = connection.exec(text, (own.name, own.host)).await;
        let given: Vec<String> = given.map_err(failed)?;
        let statements = flavour.take(found, mark, &given);
        self.run_all(what, connection, statements).await
    }
}
