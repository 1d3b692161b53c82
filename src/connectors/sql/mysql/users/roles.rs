//! Roles that are given: made, dropped, granted, revoked.

use std::collections::{HashMap, HashSet};

use mysql_async::prelude::Queryable as _;

use super::MySqlUsers;
use super::accounts::gone;
use super::flavour::flavour;
use super::limits::check;
use super::quote::{self, User, name};
use crate::connectors::sql::mysql::connection::Session;
use crate::connectors::sql::names::NameOf;
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, HolderChange, HolderResults, Result};
use crate::domain::account::{Completeness, ObservedEntitlement};
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

impl MySqlUsers {
    async fn is_role(&self, what: &str, connection: &mut Session, name: &str) -> Result<bool> {
        let roles = flavour(connection).roles();
        let text = format!("SELECT r.name FROM ({roles}) r WHERE r.name = ?");
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let found: Option<String> = connection.exec_first(text, (name,)).await.map_err(failed)?;
        Ok(found.is_some())
    }

    /// Makes a role, unless there is one of that name.
    pub(super) async fn create_role(
        &self,
        wanted: &EntitlementName,
    ) -> Result<ObservedEntitlement> {
        let what = format!("making role {wanted}");
        let mut connection = self.server.connection().await?;
        let making = async {
            check(flavour(&connection), &what, wanted.as_str(), NameOf::Role)?;
            // Where it is there already we need not be who may give it.
            let name = wanted.as_str();
            if !self.is_role(&what, &mut connection, name).await? {
                let create = format!("CREATE ROLE {}", quote::name(name));
                let made = self.run(&what, &mut connection, create).await;
                // Somebody may have been faster; or it is a user, which in MySQL is of the same kind.
                if let Err(error) = made {
                    let is_there = error.kind == ErrorKind::Changed;
                    if !is_there {
                        return Err(error);
                    }
                    if !self.is_role(&what, &mut connection, name).await? {
                        let told = format!("{}: there is a user of that name", error.message);
                        return Err(ConnectorError::new(ErrorKind::Invalid, told)
                            .with_remedy("name another one in spec.grants of the RoleTemplate"));
                    }
                }
            }
            Ok(ObservedEntitlement {
                id: EntitlementId::new(wanted.as_str()),
                name: wanted.clone(),
                holders: Vec::new(),
                completeness: Completeness::Partial("who has it was not read".to_owned()),
            })
        };
        self.server.bounded(&what, Stage::Committing, making).await
    }

    pub(super) async fn drop_role(&self, id: &EntitlementId) -> Result<()> {
        let what = format!("dropping role {id}");
        let mut connection = self.server.connection().await?;
        let dropping = async {
            // Of MySQL it would drop a user as well.
            if !self.is_role(&what, &mut connection, id.as_str()).await? {
                return Ok(());
            }
            let drop = format!("DROP ROLE IF EXISTS {}", name(id.as_str()));
            self.run(&what, &mut connection, drop).await
        };
        self.server
            .bounded(&what, Stage::Committing, dropping)
            .await
    }

    pub(super) async fn change_members(
        &self,
        given: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults> {
        let what = format!("changing who has role {given}");
        let mut connection = self.server.connection().await?;
        let changing = async {
            if !self.is_role(&what, &mut connection, given.as_str()).await? {
                return Err(ConnectorError::new(
                    ErrorKind::NotFound,
                    format!("{what}: there is no such role any more"),
                ));
            }
            let having = self.having(&what, &mut connection, given.as_str()).await?;
            let mut results = HashMap::new();
            for (id, wanted) in change.wishes() {
                let one = self.member(&what, &mut connection, (given, &having), id, wanted);
                match one.await {
                    Err(error) if error.kind.concerns_target() => return Err(error),
                    result => results.insert(id.clone(), result),
                };
            }
            Ok(results.into_iter().collect())
        };
        self.server
            .bounded(&what, Stage::Committing, changing)
            .await
    }

    /// Users and roles that a role was granted to.
    async fn having(
        &self,
        what: &str,
        connection: &mut Session,
        given: &str,
    ) -> Result<HashSet<User>> {
        let given_to = flavour(connection).given();
        let text = format!("SELECT g.name, g.host FROM ({given_to}) g WHERE g.given = ?");
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let rows: Vec<(String, String)> = connection.exec(text, (given,)).await.map_err(failed)?;
        let users = rows.into_iter().map(|(name, host)| User { name, host });
        Ok(users.collect())
    }

    async fn member(
        &self,
        what: &str,
        connection: &mut Session,
        (given, having): (&EntitlementId, &HashSet<User>),
        id: &AccountId,
        wanted: bool,
    ) -> Result<()> {
        let found = self.user_of(what, connection, id).await?;
        let Some(found) = found else {
            // What is gone has nothing any more.
            return if wanted { Err(gone(what)) } else { Ok(()) };
        };
        let flavour = flavour(connection);
        let user = &found.user;
        let own = found.mark.as_deref().map(|mark| flavour.own_role(mark));
        let own = own.map(|own| flavour.role(&own));
        let given = name(given.as_str());
        // What is given to a role that its user does not begin with looks given, and counts for nothing.
        let counts = |own: &User| having.contains(own) && flavour.is_begun(&found, own);
        let has = having.contains(user) || own.as_ref().is_some_and(counts);
        if wanted && !has {
            let Some(own) = &own else {
                let give = format!("GRANT {given} TO {user}");
                return self.granted(what, connection, give).await;
            };
            let role = name(&own.name);
            // The role may not be there yet where its user is half made or was taken over, or not any more.
            let mut statements = vec![format!("CREATE ROLE IF NOT EXISTS {role}")];
            // An end in the middle of taking the user over left this out, or somebody undid it. It comes first. (What
            // finishes a user that is half made does that as well.)
            if !flavour.is_begun(&found, own) {
                statements.extend(flavour.begin(user, &found.begins_with, own));
            }
            statements.push(format!("GRANT {given} TO {role}"));
            return self.run_all(what, connection, statements).await;
        }
        if !wanted && having.contains(user) {
            let revoke = format!("REVOKE {given} FROM {user}");
            self.granted(what, connection, revoke).await?;
        }
        if let Some(role) = own.filter(|role| !wanted && having.contains(role)) {
            let revoke = format!("REVOKE {given} FROM {}", name(&role.name));
            self.granted(what, connection, revoke).await?;
        }
        Ok(())
    }

    /// Gives or takes, and says what it takes to be allowed to.
    pub(super) async fn granted(
        &self,
        what: &str,
        connection: &mut Session,
        statement: String,
    ) -> Result<()> {
        let run = self.run(what, connection, statement).await;
        run.map_err(|error| match error.kind {
            ErrorKind::Forbidden => ConnectorError {
                message: format!(
                    "{}. We may give only what we administer: GRANT it TO {} WITH ADMIN OPTION",
                    error.message, self.own_name
                ),
                ..error
            },
            _ => error,
        })
    }

    /// Runs statements, one after the other.
    pub(super) async fn run_all(
        &self,
        what: &str,
        connection: &mut Session,
        statements: Vec<String>,
    ) -> Result<()> {
        for statement in statements {
            if statement.starts_with("GRANT ") {
                self.granted(what, connection, statement).await?;
            } else {
                self.run(what, connection, statement).await?;
            }
        }
        Ok(())
    }
}
