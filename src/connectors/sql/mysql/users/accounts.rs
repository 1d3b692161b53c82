//! Users: made, changed, locked, dropped.

use std::collections::BTreeSet;

use mysql_async::prelude::Queryable as _;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::flavour::{Need, New, flavour};
use super::limits::check;
use super::listing::Found;
use super::quote::{User, name};
use super::{CONNECTION_LIMIT, MySqlUsers};
use crate::connectors::sql::mysql::connection::Session;
use crate::connectors::sql::names::NameOf;
use crate::connectors::sql::server::{BETWEEN_LOOKS, LOOKS, Stage};
use crate::connectors::{ConnectorError, ErrorKind, InitialPassword, Result};
use crate::domain::account::{AttributeChanges, AttributeValue, NewAccount, ObservedAccount};
use crate::domain::ids::AccountId;

/// Number of the error that a user, or role, is there already, or is not there.
const NO_OR_DOUBLE_USER: u16 = 1396;
/// Number of the error that a session is not there.
const NO_SESSION: u16 = 1094;

impl MySqlUsers {
    /// Runs a statement, which holds for good once it is done.
    pub(super) async fn run(
        &self,
        what: &str,
        connection: &mut Session,
        statement: String,
    ) -> Result<()> {
        let run = connection.query_drop(statement).await;
        run.map_err(|error| match &error {
            mysql_async::Error::Server(answer) if answer.code == NO_OR_DOUBLE_USER => {
                ConnectorError::new(
                    ErrorKind::Changed,
                    format!("{what}: the server answers {}", answer.message),
                )
            }
            _ => self.server.failed(what, &error, Stage::Committing),
        })
    }

    pub(super) async fn create_account(
        &self,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> Result<ObservedAccount> {
        let what = format!("making user {}", account.username);
        let limit = account
            .attributes
            .iter()
            .find(|(name, _)| name.as_str() == CONNECTION_LIMIT);
        let limit = limit_of(&what, limit.map(|(_, value)| value))?;
        let mark = account.mark.as_str();
        let mut connection = self.server.connection().await?;
        let making = async {
            let flavour = flavour(&connection);
            check(flavour, &what, account.username.as_str(), NameOf::User)?;
            check(flavour, &what, mark, NameOf::Mark)?;
            let hash = flavour.hash(password.map(|password| &password.secret))?;
            // An answer that was lost may have been a success, or is still to become one.
            self.lock(&what, &mut connection, mark).await?;
            let there = self.marked(&what, &mut connection, mark).await?;
            let new = |user| New {
                user,
                mark,
                hash: &hash,
                limit,
                active: account.active,
            };
            match there.into_iter().next() {
                Some(there) if !there.is_unfinished => return Ok(self.account(&there)),
                Some(there) => {
                    let statements = flavour.resume(&new(&there.user));
                    self.run_all(&what, &mut connection, statements).await?;
                }
                None => {
                    let user = User {
                        name: account.username.as_str().to_owned(),
                        host: self.host.clone(),
                    };
                    self.must_be_free(&what, &mut connection, &user.name, None)
                        .await?;
                    self.make(&what, &mut connection, flavour.make(&new(&user)))
                        .await?;
                }
            }
            self.seen(&what, &mut connection, &AccountId::new(mark))
                .await
        };
        self.server.bounded(&what, Stage::Committing, making).await
    }

    /// Runs statements that make a user, whose name somebody may have had a moment before.
    async fn make(
        &self,
        what: &str,
        connection: &mut Session,
        statements: Vec<String>,
    ) -> Result<()> {
        for statement in statements {
            let makes_it = statement.starts_with("CREATE USER ");
            let run = self.run_all(what, connection, vec![statement]).await;
            run.map_err(|error| match error.kind {
                ErrorKind::Changed if makes_it => ConnectorError {
                    kind: ErrorKind::Taken,
                    ..error
                },
                _ => error,
            })?;
        }
        Ok(())
    }

    /// Only one of us at a time makes what bears a mark.
    pub(super) async fn lock(
        &self,
        what: &str,
        connection: &mut Session,
        mark: &str,
    ) -> Result<()> {
        let text = "SELECT GET_LOCK(?, @@SESSION.lock_wait_timeout)";
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        // A name of theirs may not be longer.
        let digest = Sha256::digest(mark.as_bytes());
        let digits = digest.iter().take(20).map(|byte| format!("{byte:02x}"));
        let lock = format!("rollcall-{}", digits.collect::<String>());
        let got = connection.exec_first(text, (lock,)).await;
        let got: Option<Option<i64>> = got.map_err(failed)?;
        if got.flatten() == Some(1) {
            return Ok(());
        }
        Err(ConnectorError::new(
            ErrorKind::Changed,
            format!("{what}: another attempt to do so goes on"),
        ))
    }

    /// Gives a user that was made all that belongs to one of ours.
    async fn finish(
        &self,
        what: &str,
        connection: &mut Session,
        (user, mark): (&User, &str),
        active: bool,
    ) -> Result<()> {
        let statements = flavour(connection).finish(user, mark, active);
        self.run_all(what, connection, statements).await
    }

    pub(super) async fn update_account(
        &self,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> Result<ObservedAccount> {
        let what = format!("changing user {id}");
        let is_limit = |name: &str| name == CONNECTION_LIMIT;
        let set = changes.set.iter().find(|(name, _)| is_limit(name.as_str()));
        let cleared = changes.clear.iter().any(|name| is_limit(name.as_str()));
        let limit = match set {
            Some((_, value)) => Some(limit_of(&what, Some(value))?),
            None => cleared.then_some(0),
        };
        let mut connection = self.server.connection().await?;
        let changing = async {
            let mut found = self.there(&what, &mut connection, id).await?;
            if found.is_unfinished
                && let Some(mark) = &found.mark
            {
                let (user, active) = (&found.user, !found.is_locked);
                self.finish(&what, &mut connection, (user, mark), active)
                    .await?;
            }
            let new = changes.username.as_ref().map(|name| User {
                name: name.as_str().to_owned(),
                host: found.user.host.clone(),
            });
            if let Some(new) = new.filter(|new| *new != found.user) {
                check(flavour(&connection), &what, &new.name, NameOf::User)?;
                self.must_be_free(&what, &mut connection, &new.name, Some(&found.user))
                    .await?;
                self.rename(&what, &mut connection, &found, &new).await?;
                found.user = new;
            }
            if let Some(limit) = limit {
                let alter = format!(
                    "ALTER USER {} WITH MAX_USER_CONNECTIONS {limit}",
                    found.user
                );
                self.run(&what, &mut connection, alter).await?;
            }
            let id = match &found.mark {
                Some(_) => found.id,
                None => found.user.id(),
            };
            self.seen(&what, &mut connection, &id).await
        };
        self.server
            .bounded(&what, Stage::Committing, changing)
            .await
    }

    /// Renames a user who has no sessions any more: they would go on under the name that they began with, where nothing
    /// finds them later. Nobody comes in meanwhile, and an end in the middle leaves a user that is locked, which is
    /// seen.
    async fn rename(
        &self,
        what: &str,
        connection: &mut Session,
        found: &Found,
        new: &User,
    ) -> Result<()> {
        let old = &found.user;
        // Before anybody is sent away for it: MySQL would refuse, MariaDB would not.
        self.must_define_nothing(what, connection, old).await?;
        if !found.is_locked {
            let lock = format!("ALTER USER {old} ACCOUNT LOCK");
            self.run(what, connection, lock).await?;
        }
        let ended = self.end_sessions(what, connection, &old.name).await;
        let mut renamed = ended.map(drop);
        if renamed.is_ok() {
            let rename = format!("RENAME USER {old} TO {new}");
            renamed = self.run(what, connection, rename).await;
        }
        if !found.is_locked {
            let now = if renamed.is_ok() { new } else { old };
            let unlock = format!("ALTER USER {now} ACCOUNT UNLOCK");
            let unlocked = self.run(what, connection, unlock).await;
            return renamed.and(unlocked);
        }
        renamed
    }

    /// Refuses a name that another user has, from wherever they sign in, also in other letters: to the server
    /// they are two, to everybody else one.
    pub(super) async fn must_be_free(
        &self,
        what: &str,
        connection: &mut Session,
        name: &str,
        own: Option<&User>,
    ) -> Result<()> {
        let condition = "LOWER(found.name) = LOWER(?)";
        let found = self
            .users_where(what, connection, condition, vec![name.to_owned()])
            .await?;
        match found.iter().find(|found| Some(&found.user) != own) {
            None => Ok(()),
            Some(other) => Err(ConnectorError::new(
                ErrorKind::Taken,
                format!("{what}: there is a user {}", other.user),
            )),
        }
    }

    pub(super) async fn switch_account(
        &self,
        id: &AccountId,
        active: bool,
    ) -> Result<ObservedAccount> {
        let what = format!("{} user {id}", if active { "unlocking" } else { "locking" });
        let mut connection = self.server.connection().await?;
        let switching = async {
            let found = self.there(&what, &mut connection, id).await?;
            match &found.mark {
                Some(mark) if found.is_unfinished => {
                    self.finish(&what, &mut connection, (&found.user, mark), active)
                        .await?;
                }
                _ => {
                    let lock = if active { "UNLOCK" } else { "LOCK" };
                    let alter = format!("ALTER USER {} ACCOUNT {lock}", found.user);
                    self.run(&what, &mut connection, alter).await?;
                }
            }
            if !active {
                // Whoever is in stays in. Nobody new comes in from here on.
                self.end_sessions(&what, &mut connection, &found.user.name)
                    .await?;
            }
            self.seen(&what, &mut connection, id).await
        };
        self.server
            .bounded(&what, Stage::Committing, switching)
            .await
    }

    /// Ends what a user is doing, and waits until it has ended. Answers how many sessions did.
    pub(super) async fn end_sessions(
        &self,
        what: &str,
        connection: &mut Session,
        user: &str,
    ) -> Result<usize> {
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        // One that was killed is in the list until it has noticed.
        let left = "SELECT ID FROM information_schema.PROCESSLIST WHERE CAST(USER AS BINARY) = CAST(? AS BINARY)";
        let mut seen: BTreeSet<u64> = BTreeSet::new();
        for _ in 0..LOOKS {
            let open: Vec<u64> = connection.exec(left, (user,)).await.map_err(failed)?;
            if open.is_empty() {
                return Ok(seen.len());
            }
            seen.extend(&open);
            for session in open {
                // It may have ended by itself.
                match connection
                    .query_drop(format!("KILL CONNECTION {session}"))
                    .await
                {
                    Ok(()) => {}
                    Err(mysql_async::Error::Server(answer)) if answer.code == NO_SESSION => {}
                    Err(error) => return Err(failed(error)),
                }
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(ConnectorError::new(
            ErrorKind::Ignored,
            format!("{what}: sessions of {user} do not end: end them by hand"),
        ))
    }

    pub(super) async fn drop_account(&self, id: &AccountId) -> Result<()> {
        let what = format!("dropping user {id}");
        let mut connection = self.server.connection().await?;
        let dropping = async {
            let Some(found) = self.user_of(&what, &mut connection, id).await? else {
                return Ok(());
            };
            self.must_define_nothing(&what, &mut connection, &found.user)
                .await?;
            // A user that is dropped goes on in its sessions.
            let lock = format!("ALTER USER {} ACCOUNT LOCK", found.user);
            self.run(&what, &mut connection, lock).await?;
            self.end_sessions(&what, &mut connection, &found.user.name)
                .await?;
            self.run(&what, &mut connection, format!("DROP USER {}", found.user))
                .await?;
            if let Some(mark) = &found.mark {
                let own = name(&flavour(&connection).own_role(mark));
                let role = format!("DROP ROLE IF EXISTS {own}");
                self.run(&what, &mut connection, role).await?;
            }
            Ok(())
        };
        self.server
            .bounded(&what, Stage::Committing, dropping)
            .await
    }

    /// Refuses to drop or rename one with whose rights something runs: it would stop running, and nothing gives it to somebody
    /// else.
    async fn must_define_nothing(
        &self,
        what: &str,
        connection: &mut Session,
        user: &User,
    ) -> Result<()> {
        let flavour = flavour(connection);
        // What we may not see we would not find.
        let needed = flavour.rights(Need::SeeDefiners);
        self.must_have(what, connection, needed).await?;
        let definer = format!("{}@{}", user.name, user.host);
        let text = format!(
            "SELECT CONCAT(kind, ' ', place, '.', name) FROM ({}) things
             WHERE CAST(definer AS BINARY) = CAST(? AS BINARY) ORDER BY 1 LIMIT 5",
            flavour.definers()
        );
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let things: Vec<String> = connection.exec(text, (definer,)).await.map_err(failed)?;
        if things.is_empty() {
            return Ok(());
        }
        Err(ConnectorError::new(
            ErrorKind::Forbidden,
            format!(
                "{what}: it is the definer of {}, which would not run any more: make them again with another DEFINER",
                things.join(", ")
            ),
        ))
    }

    pub(super) async fn there(
        &self,
        what: &str,
        connection: &mut Session,
        id: &AccountId,
    ) -> Result<Found> {
        let found = self.user_of(what, connection, id).await?;
        found.ok_or_else(|| gone(what))
    }

    pub(super) async fn seen(
        &self,
        what: &str,
        connection: &mut Session,
        id: &AccountId,
    ) -> Result<ObservedAccount> {
        let found = self.there(what, connection, id).await?;
        Ok(self.account(&found))
    }

    pub(super) async fn lets_account_in(
        &self,
        id: &AccountId,
        password: &SecretString,
    ) -> Result<bool> {
        let what = "looking whether it is let in";
        let mut connection = self.server.connection().await?;
        let reading = self.there(what, &mut connection, id);
        let found = self.server.bounded(what, Stage::Undone, reading).await?;
        self.server.lets_in(&found.user.name, password).await
    }
}

/// A limit of connections; 0 is none.
fn limit_of(what: &str, value: Option<&AttributeValue>) -> Result<u32> {
    let text = match value {
        None => return Ok(0),
        Some(value) if value.is_empty() => return Ok(0),
        Some(AttributeValue::Text(text)) => text.clone(),
        Some(AttributeValue::Integer(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
    };
    text.parse().map_err(|_| {
        ConnectorError::new(
            ErrorKind::Invalid,
            format!(
                "{what}: spec.account.attributes[{CONNECTION_LIMIT}] must give a number, and gives {text}"
            ),
        )
    })
}

/// Told where a user is not there.
pub(super) fn gone(what: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::NotFound,
        format!("{what}: there is no such user any more"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number() {
        let text = |text: &str| AttributeValue::Text(text.to_owned());
        assert_eq!(limit_of("", None).unwrap(), 0);
        assert_eq!(limit_of("", Some(&text(""))).unwrap(), 0);
        assert_eq!(limit_of("", Some(&text("3"))).unwrap(), 3);
        assert_eq!(limit_of("", Some(&AttributeValue::Integer(4))).unwrap(), 4);
        for odd in [
            text("3 ACCOUNT UNLOCK"),
            text("-1"),
            AttributeValue::Bool(true),
        ] {
            assert_eq!(
                limit_of("", Some(&odd)).unwrap_err().kind,
                ErrorKind::Invalid
            );
        }
    }
}
