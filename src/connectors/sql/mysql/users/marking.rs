//! Our mark, put on a user that was there before, or taken off.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::MariaDbUsers;
use super::limits::{NameOf, checked};
use super::listing::Found;
use super::quote::name;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, MarkChange, Result};
use crate::domain::account::ObservedAccount;
use crate::domain::ids::AccountId;

impl MariaDbUsers {
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

    /// Gives a user a role of its own to begin with. One who begins with a role already keeps it, and so is none
    /// of ours: MariaDB lets a user begin with one.
    async fn put(
        &self,
        what: &str,
        connection: &mut Conn,
        found: &Found,
        mark: &str,
    ) -> Result<()> {
        checked(what, mark, NameOf::Mark)?;
        self.lock(what, connection, mark).await?;
        let user = &found.user;
        if let Some(other) = self.marked(what, connection, mark).await?.first() {
            return Err(ConnectorError::new(
                ErrorKind::Changed,
                format!("{what}: {} bears that mark by now", other.user),
            ));
        }
        if let Some(before) = &found.default_role {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "{what}: it begins with the role {before}, and could not with one of ours beside: SET DEFAULT ROLE NONE FOR {user}, and let a RoleTemplate give {before}"
                ),
            ));
        }
        // Sessions are known by the name alone.
        self.must_be_free(what, connection, &user.name, Some(user))
            .await?;
        let role = name(mark);
        // Nobody has it: whatever it still carries is not meant for this one.
        for statement in [
            format!("DROP ROLE IF EXISTS {role}"),
            format!("CREATE ROLE {role}"),
            format!("GRANT {role} TO {user}"),
            format!("SET DEFAULT ROLE {role} FOR {user}"),
        ] {
            self.run(what, connection, statement).await?;
        }
        Ok(())
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
        if found.default_role.as_deref() == Some(mark) {
            let none = format!("SET DEFAULT ROLE NONE FOR {user}");
            self.run(what, connection, none).await?;
        }
        if found.is_unfinished {
            // It is finished by hand: nobody says any more that it is theirs.
            let open = format!("ALTER USER {user} REQUIRE NONE");
            self.run(what, connection, open).await?;
        }
        self.run(what, connection, format!("DROP ROLE IF EXISTS {role}"))
            .await
    }
}
