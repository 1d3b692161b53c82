//! Users and roles read as accounts and entitlements.

use std::collections::{HashMap, HashSet};

use mysql_async::prelude::Queryable as _;

use super::flavour::{Need, flavour, too_old};
use super::quote::User;
use super::{CONNECTION_LIMIT, MySqlUsers};
use crate::connectors::sql::mysql::connection::Session;
use crate::connectors::sql::server::{Stage, is_mark, users_capabilities};
use crate::connectors::{Capabilities, ConnectorError, ErrorKind, FindKey, Listing, Result};
use crate::domain::account::{
    Activity, AttributeValue, Attributes, Completeness, ObservedAccount, ObservedEntitlement,
};
use crate::domain::ids::{AccountId, AttributeName, EntitlementId, EntitlementName, Username};

/// A user as it is read.
pub(super) struct Found {
    /// Who it is.
    pub user: User,
    /// What the rest of the program knows it by.
    pub id: AccountId,
    /// Our mark.
    pub mark: Option<String>,
    /// Whether it was made, but what belongs to it is not all there.
    pub is_unfinished: bool,
    /// Roles that it begins a session with.
    pub begins_with: Vec<User>,
    /// Whether it is locked.
    pub is_locked: bool,
    is_busy: bool,
    connections: Option<i64>,
}

impl Found {
    /// Our mark, unless another has the same; else the name with from where it signs in.
    fn identified(&mut self, is_double: bool) {
        self.id = match &self.mark {
            Some(mark) if !is_double => AccountId::new(mark),
            _ => self.user.id(),
        };
    }
}

impl MySqlUsers {
    /// Users that satisfy a condition. Whoever still has a session can still act, also where they are locked.
    pub(super) async fn users_where(
        &self,
        what: &str,
        connection: &mut Session,
        condition: &str,
        params: Vec<String>,
    ) -> Result<Vec<Found>> {
        let users = flavour(connection).users();
        let text = format!(
            "SELECT found.*, s.name IS NOT NULL AS busy FROM ({users}) found
             LEFT JOIN (SELECT DISTINCT CONVERT(p.USER USING utf8mb4) COLLATE utf8mb4_bin AS name
               FROM information_schema.PROCESSLIST p) s ON s.name = found.name WHERE {condition}"
        );
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let rows = connection.exec(text, params).await.map_err(failed)?;
        let found = rows.into_iter().map(found);
        let mut found = found
            .collect::<std::result::Result<Vec<Found>, _>>()
            .map_err(|odd| ConnectorError::new(ErrorKind::Nonsense, format!("{what}: {odd}")))?;
        let mut marks: HashMap<String, usize> = HashMap::new();
        for mark in found.iter().filter_map(|one| one.mark.clone()) {
            *marks.entry(mark).or_default() += 1;
        }
        for one in &mut found {
            let same = one.mark.as_ref().and_then(|mark| marks.get(mark));
            one.identified(same.is_some_and(|count| *count > 1));
        }
        Ok(found)
    }

    /// The one with an identifier: our mark, or else its name with from where it signs in.
    pub(super) async fn user_of(
        &self,
        what: &str,
        connection: &mut Session,
        id: &AccountId,
    ) -> Result<Option<Found>> {
        let found = match id.as_str().rsplit_once('@') {
            Some((name, host)) => {
                let condition = "found.name = ? AND found.host = ?";
                let params = vec![name.to_owned(), host.to_owned()];
                self.users_where(what, connection, condition, params)
                    .await?
            }
            None => self.marked(what, connection, id.as_str()).await?,
        };
        if found.len() > 1 {
            let users: Vec<String> = found.iter().map(|one| one.user.to_string()).collect();
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "{what}: {} have the role `{id}`, which is the mark of one account: REVOKE it from those that it does not belong to",
                    users.join(" and ")
                ),
            ));
        }
        Ok(found.into_iter().next())
    }

    /// Those with a mark.
    pub(super) async fn marked(
        &self,
        what: &str,
        connection: &mut Session,
        mark: &str,
    ) -> Result<Vec<Found>> {
        let condition = "FIND_IN_SET(?, REPLACE(found.marks, '\n', ',')) OR found.subject = ?";
        let params = vec![mark.to_owned(), mark.to_owned()];
        let mut found = self
            .users_where(what, connection, condition, params)
            .await?;
        found.retain(|one| one.mark.as_deref() == Some(mark));
        Ok(found)
    }

    /// Refuses to go on where we lack a right on everything. What comes by a role of ours counts as well.
    pub(super) async fn must_have(
        &self,
        what: &str,
        connection: &mut Session,
        needed: &[&str],
    ) -> Result<()> {
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let granted: Vec<String> = connection.query("SHOW GRANTS").await.map_err(failed)?;
        let has: HashSet<&str> = granted.iter().flat_map(|line| rights(line)).collect();
        let absent = needed
            .iter()
            .filter(|one| !has.contains(**one) && !has.contains(EVERYTHING));
        let absent: Vec<&str> = absent.copied().collect();
        if absent.is_empty() {
            return Ok(());
        }
        Err(ConnectorError::new(
            ErrorKind::Forbidden,
            format!(
                "{what}: spec.sql.auth: our user lacks {0}: GRANT {0} ON *.* TO it",
                absent.join(", ")
            ),
        ))
    }

    pub(super) async fn find_out(&self) -> Result<Capabilities> {
        let what = "looking what we may do";
        let mut connection = self.server.connection().await?;
        let asking = async {
            if let Some(why) = too_old(connection.version()) {
                let told = format!("spec.sql.users: {why}");
                return Err(ConnectorError::new(ErrorKind::Unsupported, told));
            }
            let flavour = flavour(&connection);
            let needed = flavour.rights(Need::Manage);
            self.must_have(what, &mut connection, needed).await?;
            // Whether these may be read.
            let (tables, grant) = flavour.tables();
            for table in tables {
                let text = format!("SELECT 1 FROM mysql.{table} LIMIT 1");
                let read = connection.query_drop(text).await;
                read.map_err(|error| {
                    let mut error = self.server.failed(what, &error, Stage::Undone);
                    error.message.push_str(": ");
                    error.message.push_str(grant);
                    error
                })?;
            }
            Ok(())
        };
        self.server.bounded(what, Stage::Undone, asking).await?;
        Ok(users_capabilities())
    }

    pub(super) async fn read_account(&self, id: &AccountId) -> Result<Option<ObservedAccount>> {
        let what = format!("reading user {id}");
        let mut connection = self.server.connection().await?;
        let reading = async {
            let found = self.user_of(&what, &mut connection, id).await?;
            Ok(found.map(|found| self.account(&found)))
        };
        self.server.bounded(&what, Stage::Undone, reading).await
    }

    pub(super) async fn find_accounts(&self, key: &FindKey) -> Result<Vec<ObservedAccount>> {
        let mut connection = self.server.connection().await?;
        let what = "finding a user";
        let finding = async {
            match key {
                FindKey::Mark(mark) => self.marked(what, &mut connection, mark.as_str()).await,
                FindKey::Username(name) => {
                    let condition = "LOWER(found.name) = LOWER(?)";
                    // One from elsewhere is called by both.
                    let name = name.as_str();
                    let bare = name.rsplit_once('@').map_or(name, |(bare, _)| bare);
                    let params = vec![bare.to_owned()];
                    self.users_where(what, &mut connection, condition, params)
                        .await
                }
            }
        };
        let found = self.server.bounded(what, Stage::Undone, finding).await?;
        let accounts = found.iter().map(|one| self.account(one));
        Ok(accounts.filter(|account| key.fits(account)).collect())
    }

    pub(super) async fn list_all(&self) -> Result<Listing> {
        let what = "listing users";
        let mut connection = self.server.connection().await?;
        let listing = async {
            let failed = |error| self.server.failed(what, &error, Stage::Undone);
            let found = self
                .users_where(what, &mut connection, "TRUE", Vec::new())
                .await?;
            // Both in one statement: a picture of one instant. What we make ourselves, we may administer.
            let flavour = flavour(&connection);
            let (roles, given) = (flavour.roles(), flavour.given());
            let text = format!(
                "SELECT r.name, '', '' FROM ({roles}) r
                 UNION ALL SELECT g.given, g.name, g.host FROM ({given}) g JOIN ({roles}) r ON r.name = g.given
                   WHERE CONCAT(g.name, '@', g.host) <> CURRENT_USER()"
            );
            let rows: Vec<(String, String, String)> =
                connection.query(text).await.map_err(failed)?;
            Ok((flavour, found, rows))
        };
        let (flavour, found, rows) = self.server.bounded(what, Stage::Undone, listing).await?;
        let mut holders: HashMap<User, AccountId> = HashMap::new();
        for one in &found {
            // The role of a mark that two have stands for neither.
            if let Some(mark) = one.mark.as_ref().filter(|mark| one.id.as_str() == **mark) {
                let own = flavour.role(&flavour.own_role(mark));
                // What counts for nothing is to be given again.
                if flavour.is_begun(one, &own) {
                    holders.insert(own, one.id.clone());
                }
            }
            holders.insert(one.user.clone(), one.id.clone());
        }
        let mut held: HashMap<String, HashSet<AccountId>> = HashMap::new();
        let mut names = Vec::new();
        for (name, user, host) in rows {
            if user.is_empty() && host.is_empty() {
                names.push(name);
            } else if let Some(id) = holders.get(&User { name: user, host }) {
                held.entry(name).or_default().insert(id.clone());
            }
        }
        let entitlements = names.into_iter().map(|name| {
            let mut holders: Vec<AccountId> =
                held.remove(&name).unwrap_or_default().into_iter().collect();
            holders.sort();
            ObservedEntitlement {
                id: EntitlementId::new(&name),
                name: EntitlementName::new(name),
                holders,
                completeness: Completeness::Complete,
            }
        });
        Ok(Listing {
            entitlements: entitlements.collect(),
            accounts: found.iter().map(|one| self.account(one)).collect(),
            accounts_completeness: Completeness::Complete,
            entitlements_completeness: Completeness::Complete,
            oddities: Vec::new(),
            requests: 2,
        })
    }

    pub(super) fn account(&self, found: &Found) -> ObservedAccount {
        let mut attributes = Attributes::default();
        if let Some(limit) = found.connections.filter(|limit| *limit != 0) {
            let limit = AttributeValue::Integer(limit);
            attributes.insert(AttributeName::new(CONNECTION_LIMIT), limit);
        }
        let is_ours = found.user.host == self.host;
        ObservedAccount {
            id: found.id.clone(),
            username: if is_ours || found.user.name == self.own_name {
                Username::new(&found.user.name)
            } else {
                Username::new(format!("{}@{}", found.user.name, found.user.host))
            },
            mark: found.mark.clone(),
            activity: if found.is_locked && !found.is_busy {
                Activity::Disabled
            } else {
                Activity::Active
            },
            attributes,
            unfinished: false,
        }
    }
}

/// The right that is all of them.
const EVERYTHING: &str = "ALL PRIVILEGES";

/// Rights on everything in a line such as ``GRANT PROCESS, CREATE USER ON *.* TO `rollcall`@`%` ``. Those that come by
/// roles that we begin with have lines as well.
fn rights(line: &str) -> impl Iterator<Item = &str> {
    let rights = line.strip_prefix("GRANT ").and_then(|line| {
        let (rights, _) = line.split_once(" ON *.* TO ")?;
        Some(rights)
    });
    rights
        .into_iter()
        .flat_map(|rights| rights.split(','))
        .map(str::trim)
}

type Columns = (
    String,
    String,
    bool,
    Option<String>,
    Option<i64>,
    Option<String>,
    Option<String>,
    bool,
);

fn found(columns: Columns) -> std::result::Result<Found, String> {
    let (name, host, is_locked, subject, connections, begins, marks, is_busy) = columns;
    let unfinished = subject.filter(|text| is_mark(text));
    // Of several, none is more true than another: the first one, so that it is at least the same each time.
    let marks = marks.unwrap_or_default();
    let marks = marks.lines().filter(|line| is_mark(line));
    let mark = marks.min().map(str::to_owned);
    let begins: Vec<(String, String)> = match begins {
        Some(begins) => serde_json::from_str(&begins)
            .map_err(|error| format!("roles that {name} begins with can't be read: {error}"))?,
        None => Vec::new(),
    };
    let user = User { name, host };
    Ok(Found {
        id: user.id(),
        user,
        is_unfinished: unfinished.is_some(),
        begins_with: begins
            .into_iter()
            .map(|(name, host)| User { name, host })
            .collect(),
        mark: mark.or(unfinished),
        is_locked,
        is_busy,
        connections,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_on_everything_are_found_whoever_lists_them() {
        for (line, found) in [
            (
                "GRANT SELECT, CREATE USER ON *.* TO `a`@`%`",
                vec!["SELECT", "CREATE USER"],
            ),
            (
                "GRANT ROLE_ADMIN,SHOW_ROUTINE ON *.* TO `a`@`%` WITH GRANT OPTION",
                vec!["ROLE_ADMIN", "SHOW_ROUTINE"],
            ),
            (
                "GRANT ALL PRIVILEGES ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*1'",
                vec![EVERYTHING],
            ),
            ("GRANT PROCESS ON `app`.* TO `a`@`%`", vec![]),
            ("GRANT `ops`@`%` TO `a`@`%`", vec![]),
            ("SET DEFAULT ROLE `ops` FOR `a`@`%`", vec![]),
        ] {
            assert_eq!(rights(line).collect::<Vec<_>>(), found, "{line}");
        }
    }
}
