//! MariaDB. It has no place for a note about a user, and lets one begin with one role only: so our mark is the name of
//! that role.
//!
//! `CREATE USER` can't be undone there and takes no roles. Until the others have followed, a user of ours is locked
//! and may sign in only with a certificate that says our mark, which nobody has: so one that was left half
//! made is known again, and of no use to anybody.

use secrecy::{ExposeSecret as _, SecretString};
use sha1::{Digest as _, Sha1};

use super::flavour::{Flavour, Need, New};
use super::listing::Found;
use super::quote::{User, name, text};
use crate::connectors::sql::names::NameOf;
use crate::connectors::sql::server::MARK;
use crate::connectors::{ConnectorError, ErrorKind, Result};

/// What no password has for a hash.
const NO_PASSWORD: &str = "invalid";

pub(super) struct MariaDb;

impl Flavour for MariaDb {
    fn name(&self) -> &'static str {
        "MariaDB"
    }

    fn oldest(&self) -> (u16, u16, u16) {
        (10, 5, 2)
    }

    /// `mysql.global_priv.User`, where a mark is a role as well.
    fn longest(&self, _: NameOf) -> Option<usize> {
        Some(128)
    }

    fn rights(&self, to: Need) -> &'static [&'static str] {
        match to {
            Need::Manage => &["CREATE USER", "PROCESS", "CONNECTION ADMIN"],
            Need::SeeDefiners => &["SHOW VIEW", "TRIGGER"],
        }
    }

    fn tables(&self) -> (&'static [&'static str], &'static str) {
        (
            &["global_priv", "roles_mapping"],
            "GRANT SELECT, UPDATE ON mysql.* TO it",
        )
    }

    fn users(&self) -> String {
        format!(
            "SELECT u.User AS name, u.Host AS host, IFNULL(JSON_VALUE(u.Priv, '$.account_locked') = '1', FALSE) AS locked,
               JSON_VALUE(u.Priv, '$.x509_subject') AS subject,
               JSON_VALUE(u.Priv, '$.max_user_connections') AS connections,
               IF(IFNULL(JSON_VALUE(u.Priv, '$.default_role'), '') = '', NULL,
                 JSON_ARRAY(JSON_ARRAY(JSON_VALUE(u.Priv, '$.default_role'), ''))) AS begins,
               (SELECT GROUP_CONCAT(r.Role SEPARATOR '\n') FROM mysql.roles_mapping r WHERE r.Host = u.Host
                 AND r.User = u.User AND r.Admin_option = 'N' AND r.Role REGEXP '{MARK}') AS marks
             FROM mysql.global_priv u WHERE JSON_VALUE(u.Priv, '$.is_role') IS NULL"
        )
    }

    fn roles(&self) -> String {
        format!(
            "SELECT User AS name FROM mysql.global_priv WHERE JSON_VALUE(Priv, '$.is_role') IS NOT NULL
               AND User NOT REGEXP '{MARK}' AND User <> 'PUBLIC'"
        )
    }

    fn given(&self) -> &'static str {
        "SELECT Role AS given, User AS name, Host AS host FROM mysql.roles_mapping"
    }

    fn definers(&self) -> &'static str {
        "SELECT 'view' AS kind, TABLE_SCHEMA AS place, TABLE_NAME AS name, DEFINER AS definer FROM information_schema.VIEWS
         UNION ALL SELECT LOWER(type), db, name, definer FROM mysql.proc
         UNION ALL SELECT 'trigger', TRIGGER_SCHEMA, TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS
         UNION ALL SELECT 'event', db, name, definer FROM mysql.event"
    }

    fn own_role(&self, mark: &str) -> String {
        mark.to_owned()
    }

    fn role(&self, name: &str) -> User {
        User {
            name: name.to_owned(),
            host: String::new(),
        }
    }

    /// In the form of `mysql_native_password`.
    fn hash(&self, password: Option<&SecretString>) -> Result<String> {
        Ok(match password {
            None => NO_PASSWORD.to_owned(),
            Some(password) => {
                let twice = Sha1::digest(Sha1::digest(password.expose_secret().as_bytes()));
                let hex = twice.iter().map(|byte| format!("{byte:02X}"));
                format!("*{}", hex.collect::<String>())
            }
        })
    }

    fn make(&self, new: &New<'_>) -> Vec<String> {
        let mut statements = vec![
            // Nobody has it: whatever it still carries is not meant for this one.
            format!("DROP ROLE IF EXISTS {}", name(new.mark)),
            format!(
                "CREATE USER {} IDENTIFIED VIA mysql_native_password USING {} REQUIRE SUBJECT {} ACCOUNT LOCK",
                new.user,
                text(new.hash),
                text(new.mark)
            ),
        ];
        statements.extend(self.resume(new));
        statements
    }

    fn resume(&self, new: &New<'_>) -> Vec<String> {
        let mut statements = vec![format!(
            "ALTER USER {} IDENTIFIED VIA mysql_native_password USING {} WITH MAX_USER_CONNECTIONS {}",
            new.user,
            text(new.hash),
            new.limit
        )];
        statements.extend(self.finish(new.user, new.mark, new.active));
        statements
    }

    fn finish(&self, user: &User, mark: &str, active: bool) -> Vec<String> {
        let role = name(mark);
        let lock = if active { "UNLOCK" } else { "LOCK" };
        vec![
            format!("CREATE ROLE IF NOT EXISTS {role}"),
            format!("GRANT {role} TO {user}"),
            format!("SET DEFAULT ROLE {role} FOR {user}"),
            format!("ALTER USER {user} REQUIRE NONE ACCOUNT {lock}"),
        ]
    }

    fn is_begun(&self, found: &Found, _: &User) -> bool {
        !found.begins_with.is_empty() || found.is_unfinished
    }

    fn begin(&self, user: &User, _: &[User], own: &User) -> Vec<String> {
        vec![format!("SET DEFAULT ROLE {} FOR {user}", name(&own.name))]
    }

    /// One who begins with a role already keeps it, and so is none of ours.
    fn put(&self, what: &str, found: &Found, mark: &str) -> Result<Vec<String>> {
        let user = &found.user;
        if let Some(before) = found.begins_with.first() {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "{what}: it begins with the role {0}, and could not with one of ours beside: SET DEFAULT ROLE NONE FOR {user}, and let a RoleTemplate give {0}",
                    before.name
                ),
            ));
        }
        let role = name(mark);
        Ok(vec![
            // Nobody has it: whatever it still carries is not meant for this one.
            format!("DROP ROLE IF EXISTS {role}"),
            format!("CREATE ROLE {role}"),
            format!("GRANT {role} TO {user}"),
            format!("SET DEFAULT ROLE {role} FOR {user}"),
        ])
    }

    fn shut_out(&self, user: &User) -> Vec<String> {
        // It takes the place of whatever else let the user in, such as PAM.
        vec![format!(
            "ALTER USER {user} IDENTIFIED VIA mysql_native_password USING {}",
            text(NO_PASSWORD)
        )]
    }

    fn is_shut_out(&self) -> String {
        // The list of ways to sign in holds the first as well, which has nothing in it there.
        format!(
            "SELECT COALESCE(JSON_VALUE(Priv, '$.authentication_string') = {}
               AND JSON_VALUE(Priv, '$.plugin') = 'mysql_native_password'
               AND COALESCE(JSON_LENGTH(Priv, '$.auth_or'), 0) < 2, FALSE)
             FROM mysql.global_priv WHERE User = ? AND Host = ?",
            text(NO_PASSWORD)
        )
    }

    fn take(&self, found: &Found, mark: &str, given: &[String]) -> Vec<String> {
        let user = &found.user;
        let keep = given.iter().map(|role| name(role));
        let mut statements: Vec<String> =
            keep.map(|role| format!("GRANT {role} TO {user}")).collect();
        if found.begins_with.contains(&self.role(mark)) {
            statements.push(format!("SET DEFAULT ROLE NONE FOR {user}"));
        }
        if found.is_unfinished {
            // It is finished by hand: nobody says any more that it is theirs.
            statements.push(format!("ALTER USER {user} REQUIRE NONE"));
        }
        statements.push(format!("DROP ROLE IF EXISTS {}", name(mark)));
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hashed_as_the_server_does() {
        // SELECT PASSWORD('password')
        let hashed = MariaDb.hash(Some(&SecretString::from("password"))).unwrap();
        assert_eq!(hashed, "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
    }
}
