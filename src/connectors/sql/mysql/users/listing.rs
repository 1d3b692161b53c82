//! Users and roles read as accounts and entitlements.

use std::collections::{HashMap, HashSet};

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::quote::User;
use super::{CONNECTION_LIMIT, MariaDbUsers};
use crate::connectors::sql::server::{MARK, Stage, is_mark, users_capabilities};
use crate::connectors::{Capabilities, ConnectorError, ErrorKind, FindKey, Listing, Result};
use crate::domain::account::{
    Activity, AttributeValue, Attributes, Completeness, ObservedAccount, ObservedEntitlement,
};
use crate::domain::ids::{AccountId, AttributeName, EntitlementId, EntitlementName, Username};

/// What we must be allowed to do.
const NEEDED: [&str; 3] = ["CREATE USER", "PROCESS", "CONNECTION ADMIN"];

/// A user as it is read.
pub(super) struct Found {
    /// Who it is.
    pub user: User,
    /// What the rest of the program knows it by.
    pub id: AccountId,
    /// Its own role, which is our mark.
    pub mark: Option<String>,
    /// Whether it was made, but what belongs to it is not all there.
    pub is_unfinished: bool,
    /// The role that it begins a session with.
    pub default_role: Option<String>,
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

impl MariaDbUsers {
    /// Users that satisfy a condition. Whoever still has a session can still act, also where they are locked.
    pub(super) async fn users_where(
        &self,
        what: &str,
        connection: &mut Conn,
        condition: &str,
        params: Vec<String>,
    ) -> Result<Vec<Found>> {
        let text = format!(
            "SELECT found.* FROM (SELECT u.User AS name, u.Host AS host,
               JSON_VALUE(u.Priv, '$.account_locked') AS locked, JSON_VALUE(u.Priv, '$.x509_subject') AS subject,
               JSON_VALUE(u.Priv, '$.max_user_connections') AS connections,
               JSON_VALUE(u.Priv, '$.default_role') AS default_role,
               (SELECT GROUP_CONCAT(r.Role SEPARATOR '\n') FROM mysql.roles_mapping r WHERE r.Host = u.Host
                 AND r.User = u.User AND r.Admin_option = 'N' AND r.Role REGEXP '{MARK}') AS marks,
               s.name IS NOT NULL AS busy
             FROM mysql.global_priv u LEFT JOIN (SELECT DISTINCT CONVERT(p.USER USING utf8mb4) COLLATE utf8mb4_bin AS name
               FROM information_schema.PROCESSLIST p) s ON s.name = u.User
             WHERE JSON_VALUE(u.Priv, '$.is_role') IS NULL) found WHERE {condition}"
        );
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let rows = connection.exec(text, params).await.map_err(failed)?;
        let mut found: Vec<Found> = rows.into_iter().map(found).collect();
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
        connection: &mut Conn,
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
        connection: &mut Conn,
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
        connection: &mut Conn,
        needed: &[&str],
    ) -> Result<()> {
        let text = "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES
          WHERE GRANTEE IN (CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), ''''),
            CONCAT('''', CURRENT_ROLE(), '''@'''''))";
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let has: Vec<String> = connection.query(text).await.map_err(failed)?;
        let absent = needed
            .iter()
            .filter(|one| !has.iter().any(|has| has == *one));
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
            let failed = |error| self.server.failed(what, &error, Stage::Undone);
            let version: Option<String> = connection
                .query_first("SELECT @@version")
                .await
                .map_err(failed)?;
            let version = version.unwrap_or_default();
            if !version.contains("MariaDB") {
                return Err(ConnectorError::new(
                    ErrorKind::Unsupported,
                    format!(
                        "spec.sql.users: the server is no MariaDB but {version}, whose users can't be managed yet: its tables can be (spec.sql.tables)"
                    ),
                ));
            }
            self.must_have(what, &mut connection, &NEEDED).await?;
            // Whether these may be read.
            for table in ["global_priv", "roles_mapping"] {
                let text = format!("SELECT 1 FROM mysql.{table} LIMIT 1");
                let read = connection.query_drop(text).await;
                read.map_err(|error| {
                    let mut error = failed(error);
                    error
                        .message
                        .push_str(": GRANT SELECT, UPDATE ON mysql.* TO it");
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
            // Both in one statement, which locks both: a picture of one instant. What we make ourselves, we
            // administer.
            let text = format!(
                "SELECT User, '', '' FROM mysql.global_priv WHERE JSON_VALUE(Priv, '$.is_role') IS NOT NULL
                   AND User NOT REGEXP '{MARK}' AND User <> 'PUBLIC'
                 UNION ALL SELECT Role, User, Host FROM mysql.roles_mapping WHERE Role NOT REGEXP '{MARK}'
                   AND CONCAT(User, '@', Host) <> CURRENT_USER()"
            );
            let rows: Vec<(String, String, String)> =
                connection.query(text).await.map_err(failed)?;
            Ok((found, rows))
        };
        let (found, rows) = self.server.bounded(what, Stage::Undone, listing).await?;
        let mut holders: HashMap<User, AccountId> = HashMap::new();
        for one in &found {
            // The role of a mark that two have stands for neither.
            if let Some(mark) = one.mark.as_ref().filter(|mark| one.id.as_str() == **mark) {
                holders.insert(role(mark), one.id.clone());
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

/// A role, as the table of who has which names it.
pub(super) fn role(name: &str) -> User {
    User {
        name: name.to_owned(),
        host: String::new(),
    }
}

type Columns = (
    String,
    String,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<String>,
    Option<String>,
    bool,
);

fn found(columns: Columns) -> Found {
    let (name, host, locked, subject, connections, default_role, marks, is_busy) = columns;
    let unfinished = subject.filter(|text| is_mark(text));
    // Of several, none is more true than another: the first one, so that it is at least the same each time.
    let marks = marks.unwrap_or_default();
    let mark = marks.lines().min().map(str::to_owned);
    let user = User { name, host };
    Found {
        id: user.id(),
        user,
        is_unfinished: unfinished.is_some(),
        default_role: default_role.filter(|role| !role.is_empty()),
        mark: mark.or(unfinished),
        is_locked: locked.as_deref() == Some("1"),
        is_busy,
        connections,
    }
}
