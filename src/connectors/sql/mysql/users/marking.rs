//! Our mark, put on a user that was there before, or taken off.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::MariaDbUsers;
use super::listing::Found;
use super::quote::name;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, Result};
use crate::domain::account::ObservedAccount;
use crate::domain::ids::AccountId;
use crate::domain::mark::Mark;

impl MariaDbUsers {
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
        let what = format!("{doing} user {id}");
        let mut connection = self.server.connection().await?;
        let marking = async {
            let found = self.there(&what, &mut connection, id).await?;
            let id = match (&found.mark, mark) {
                (Some(held), Some(mark)) if *held == mark.as_str() && !found.is_unfinished => {
                    return Ok(self.account(&found));
                }
                (Some(held), Some(_)) => {
                    return Err(ConnectorError::new(
                        ErrorKind::Changed,
                        format!("{what}: it bears the mark {held} by now"),
                    ));
                }
                (None, Some(mark)) => {
                    self.put(&what, &mut connection, &found, mark.as_str())
                        .await?;
                    AccountId::new(mark.as_str())
                }
                (Some(held), None) => {
                    self.take(&what, &mut connection, &found, held).await?;
                    found.user.id()
                }
                (None, None) => return Ok(self.account(&found)),
            };
            self.seen(&what, &mut connection, &id).await
        };
        self.server.bounded(&what, Stage::Committing, marking).await
    }

    /// Gives a user a role of its own to begin with. The one that it began with until now counts as before, as
    /// a part of that.
    async fn put(
        &self,
        what: &str,
        connection: &mut Conn,
        found: &Found,
        mark: &str,
    ) -> Result<()> {
        self.lock(what, connection, mark).await?;
        if let Some(other) = self.marked(what, connection, mark).await?.first() {
            return Err(ConnectorError::new(
                ErrorKind::Changed,
                format!("{what}: {} bears that mark by now", other.user),
            ));
        }
        let (role, user) = (name(mark), &found.user);
        // Nobody has it: whatever it still carries is not meant for this one.
        self.run(what, connection, format!("DROP ROLE IF EXISTS {role}"))
            .await?;
        self.run(what, connection, format!("CREATE ROLE {role}"))
            .await?;
        if let Some(before) = &found.default_role {
            let keep = format!("GRANT {} TO {role}", name(before));
            self.granted(what, connection, keep).await?;
        }
        // The mark comes last: one without it is as it was before.
        self.run(what, connection, format!("GRANT {role} TO {user}"))
            .await?;
        self.run(
            what,
            connection,
            format!("SET DEFAULT ROLE {role} FOR {user}"),
        )
        .await
    }

    /// Takes a user's own role away. What was given by it is theirs directly from then on.
    async fn take(
        &self,
        what: &str,
        connection: &mut Conn,
        found: &Found,
        mark: &str,
    ) -> Result<()> {
        let (role, user) = (name(mark), &found.user);
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let text = "SELECT Role FROM mysql.roles_mapping WHERE User = ? AND Host = ''";
        let given: Vec<String> = connection.exec(text, (mark,)).await.map_err(failed)?;
        for given in given {
            let keep = format!("GRANT {} TO {user}", name(&given));
            self.granted(what, connection, keep).await?;
        }
        self.run(
            what,
            connection,
            format!("SET DEFAULT ROLE NONE FOR {user}"),
        )
        .await?;
        // Whoever was half made is finished by hand: nobody says any more that it is theirs.
        self.run(what, connection, format!("ALTER USER {user} REQUIRE NONE"))
            .await?;
        self.run(what, connection, format!("DROP ROLE IF EXISTS {role}"))
            .await
    }
}
