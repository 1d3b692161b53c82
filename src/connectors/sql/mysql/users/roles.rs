//! Roles that are given: made, dropped, granted, revoked.

use std::collections::{HashMap, HashSet};

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::MariaDbUsers;
use super::accounts::gone;
use super::limits::{NameOf, checked};
use super::listing::{Found, role};
use super::quote::{User, name};
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, HolderChange, HolderResults, Result};
use crate::domain::account::{Completeness, ObservedEntitlement};
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

impl MariaDbUsers {
    async fn is_role(&self, what: &str, connection: &mut Conn, name: &str) -> Result<bool> {
        let text = "SELECT JSON_VALUE(Priv, '$.is_role') IS NOT NULL FROM mysql.global_priv WHERE User = ? AND Host = ''";
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let found: Option<bool> = connection.exec_first(text, (name,)).await.map_err(failed)?;
        Ok(found == Some(true))
    }

    /// Makes a role, unless there is one of that name.
    pub(super) async fn create_role(
        &self,
        wanted: &EntitlementName,
    ) -> Result<ObservedEntitlement> {
        let what = format!("making role {wanted}");
        checked(&what, wanted.as_str(), NameOf::Role)?;
        let mut connection = self.server.connection().await?;
        let making = async {
            // Where it is there already we need not be who may give it.
            if !self
                .is_role(&what, &mut connection, wanted.as_str())
                .await?
            {
                let create = format!("CREATE ROLE IF NOT EXISTS {}", name(wanted.as_str()));
                self.run(&what, &mut connection, create).await?;
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
        connection: &mut Conn,
        given: &str,
    ) -> Result<HashSet<User>> {
        let text = "SELECT User, Host FROM mysql.roles_mapping WHERE Role = ?";
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let rows: Vec<(String, String)> = connection.exec(text, (given,)).await.map_err(failed)?;
        let users = rows.into_iter().map(|(name, host)| User { name, host });
        Ok(users.collect())
    }

    async fn member(
        &self,
        what: &str,
        connection: &mut Conn,
        (given, having): (&EntitlementId, &HashSet<User>),
        id: &AccountId,
        wanted: bool,
    ) -> Result<()> {
        let found = self.user_of(what, connection, id).await?;
        let Some(found) = found else {
            // What is gone has nothing any more.
            return if wanted { Err(gone(what)) } else { Ok(()) };
        };
        let (own, own_role) = places(&found);
        let given = name(given.as_str());
        let has =
            having.contains(own) || own_role.as_ref().is_some_and(|role| having.contains(role));
        if wanted && !has {
            let Some(role) = &own_role else {
                let give = format!("GRANT {given} TO {own}");
                return self.granted(what, connection, give).await;
            };
            let role = name(&role.name);
            // The role may not be there yet where its user is half made.
            let make = format!("CREATE ROLE IF NOT EXISTS {role}");
            self.run(what, connection, make).await?;
            // An end in the middle of taking the user over left this out. It comes first: what is given to a role that
            // its user does not begin with looks given, and counts for nothing. (What finishes a user that is half
            // made does that as well.)
            if found.default_role.is_none() && !found.is_unfinished {
                let begin = format!("SET DEFAULT ROLE {role} FOR {own}");
                self.run(what, connection, begin).await?;
            }
            let give = format!("GRANT {given} TO {role}");
            return self.granted(what, connection, give).await;
        }
        if !wanted && having.contains(own) {
            let revoke = format!("REVOKE {given} FROM {own}");
            self.granted(what, connection, revoke).await?;
        }
        if let Some(role) = own_role.filter(|role| !wanted && having.contains(role)) {
            let revoke = format!("REVOKE {given} FROM {}", name(&role.name));
            self.granted(what, connection, revoke).await?;
        }
        Ok(())
    }

    /// Gives or takes, and says what it takes to be allowed to.
    pub(super) async fn granted(
        &self,
        what: &str,
        connection: &mut Conn,
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
}

/// What a role can be granted to: the user, or the role that stands for them.
fn places(found: &Found) -> (&User, Option<User>) {
    (&found.user, found.mark.as_deref().map(role))
}
