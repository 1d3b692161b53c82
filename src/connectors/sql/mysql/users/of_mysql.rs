//! MySQL. Our mark stands in the user's attributes, beside those of others, and comes with the user in one statement, as
//! do the password, the lock and the role it begins with: so none is ever left half made.
//!
//! What is given to a user there counts only once it is said to begin with it, by a second statement that names all
//! roles it begins with anew. So each of ours begins with a role of its own, which is given the others: that counts at
//! once, and takes nothing from what somebody else let the user begin with. A mark would be too long for its name.
//!
//! Roles are users: locked, with a password that has expired, and that was none. That is all that tells them.

use std::fmt::Write as _;

use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::caching_sha2;
use super::flavour::{Flavour, Need, New};
use super::listing::Found;
use super::quote::{User, name, text};
use crate::connectors::Result;
use crate::connectors::sql::names::NameOf;

/// The attribute that is our mark.
const ATTRIBUTE: &str = "rollcall";
/// How names of our own roles begin, and how many digits of a digest follow.
const OWN: &str = "rollcall:";
const DIGITS: usize = 22;
/// From where a role that is given signs in, were it let in: what `CREATE ROLE` takes for it by itself.
const ANYWHERE: &str = "%";
/// Whether the user `u` is a role.
const IS_ROLE: &str =
    "u.account_locked = 'Y' AND u.password_expired = 'Y' AND u.authentication_string = ''";

pub(super) struct MySql8;

impl MySql8 {
    /// Own roles, as a regular expression.
    fn own() -> String {
        format!("^{OWN}[0-9a-f]{{{DIGITS}}}$")
    }

    fn mark_of_u() -> String {
        format!("JSON_VALUE(u.User_attributes, '$.metadata.{ATTRIBUTE}')")
    }

    /// Attributes that are others' stay as they are; one that is null goes.
    fn attribute(user: &User, mark: &Value) -> String {
        let attributes = json!({ATTRIBUTE: mark}).to_string();
        format!("ALTER USER {user} ATTRIBUTE {}", text(&attributes))
    }
}

/// Says all roles that a user begins with.
fn begins_with<'a>(user: &User, roles: impl Iterator<Item = &'a User>) -> String {
    let mut roles: Vec<String> = roles.map(User::to_string).collect();
    roles.sort();
    roles.dedup();
    if roles.is_empty() {
        roles.push("NONE".to_owned());
    }
    format!("SET DEFAULT ROLE {} TO {user}", roles.join(", "))
}

impl Flavour for MySql8 {
    fn name(&self) -> &'static str {
        "MySQL"
    }

    /// The first one with attributes of users.
    fn oldest(&self) -> (u16, u16, u16) {
        (8, 0, 21)
    }

    fn longest(&self, of: NameOf) -> Option<usize> {
        match of {
            NameOf::User | NameOf::Role => Some(32),
            NameOf::Mark => None,
        }
    }

    fn rights(&self, to: Need) -> &'static [&'static str] {
        match to {
            // Who makes a role may not give it by that.
            Need::Manage => &["CREATE USER", "PROCESS", "CONNECTION_ADMIN", "ROLE_ADMIN"],
            Need::SeeDefiners => &["SHOW VIEW", "TRIGGER", "EVENT", "SHOW_ROUTINE"],
        }
    }

    fn tables(&self) -> (&'static [&'static str], &'static str) {
        (
            &["user", "role_edges", "default_roles"],
            "GRANT SELECT ON each of mysql.user, mysql.role_edges and mysql.default_roles TO it",
        )
    }

    fn users(&self) -> String {
        let (mark, own) = (Self::mark_of_u(), Self::own());
        format!(
            "SELECT u.User AS name, u.Host AS host, u.account_locked = 'Y' AS locked, CAST(NULL AS CHAR) AS subject,
               u.max_user_connections AS connections,
               (SELECT JSON_ARRAYAGG(JSON_ARRAY(d.DEFAULT_ROLE_USER, d.DEFAULT_ROLE_HOST)) FROM mysql.default_roles d
                 WHERE d.USER = u.User AND d.HOST = u.Host) AS begins, {mark} AS marks
             FROM mysql.user u WHERE u.User NOT REGEXP '{own}' AND NOT ({IS_ROLE} AND {mark} IS NULL)"
        )
    }

    fn roles(&self) -> String {
        let (mark, own) = (Self::mark_of_u(), Self::own());
        format!(
            "SELECT u.User AS name FROM mysql.user u WHERE u.Host = '{ANYWHERE}' AND {IS_ROLE} AND {mark} IS NULL
               AND u.User NOT REGEXP '{own}'"
        )
    }

    fn given(&self) -> &'static str {
        "SELECT FROM_USER AS given, TO_USER AS name, TO_HOST AS host FROM mysql.role_edges WHERE FROM_HOST = '%'"
    }

    fn definers(&self) -> &'static str {
        "SELECT 'view' AS kind, TABLE_SCHEMA AS place, TABLE_NAME AS name, DEFINER AS definer FROM information_schema.VIEWS
         UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_SCHEMA, ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES
         UNION ALL SELECT 'trigger', TRIGGER_SCHEMA, TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS
         UNION ALL SELECT 'event', EVENT_SCHEMA, EVENT_NAME, DEFINER FROM information_schema.EVENTS"
    }

    fn own_role(&self, mark: &str) -> String {
        let mut role = OWN.to_owned();
        for byte in Sha256::digest(mark.as_bytes()).iter().take(DIGITS / 2) {
            // Writing to a String does not fail.
            let _ = write!(role, "{byte:02x}");
        }
        role
    }

    fn role(&self, name: &str) -> User {
        User {
            name: name.to_owned(),
            host: ANYWHERE.to_owned(),
        }
    }

    fn hash(&self, password: Option<&SecretString>) -> Result<String> {
        match password {
            None => Ok(caching_sha2::NO_PASSWORD.to_owned()),
            Some(password) => caching_sha2::hash(password),
        }
    }

    fn make(&self, new: &New<'_>) -> Vec<String> {
        let role = name(&self.own_role(new.mark));
        let lock = if new.active { "UNLOCK" } else { "LOCK" };
        let attributes = json!({ATTRIBUTE: new.mark}).to_string();
        vec![
            // Nobody has it: whatever it still carries is not meant for this one.
            format!("DROP ROLE IF EXISTS {role}"),
            format!("CREATE ROLE {role}"),
            format!(
                "CREATE USER {} IDENTIFIED WITH caching_sha2_password AS {} DEFAULT ROLE {role} WITH MAX_USER_CONNECTIONS {} ACCOUNT {lock} ATTRIBUTE {}",
                new.user,
                text(new.hash),
                new.limit,
                text(&attributes)
            ),
        ]
    }

    /// None is half made.
    fn resume(&self, _: &New<'_>) -> Vec<String> {
        Vec::new()
    }

    /// None is half made.
    fn finish(&self, _: &User, _: &str, _: bool) -> Vec<String> {
        Vec::new()
    }

    fn is_begun(&self, found: &Found, own: &User) -> bool {
        found.begins_with.contains(own)
    }

    fn begin(&self, user: &User, others: &[User], own: &User) -> Vec<String> {
        let all = others.iter().chain([own]);
        vec![format!("GRANT {own} TO {user}"), begins_with(user, all)]
    }

    /// One statement. A role of its own the user gets with the first that is given by it.
    fn put(&self, _: &str, found: &Found, mark: &str) -> Result<Vec<String>> {
        Ok(vec![
            // Nobody has it: whatever it still carries is not meant for this one.
            format!("DROP ROLE IF EXISTS {}", name(&self.own_role(mark))),
            Self::attribute(&found.user, &json!(mark)),
        ])
    }

    /// The mark goes last, so that it is taken again until the rest is done.
    fn shut_out(&self, user: &User) -> Vec<String> {
        let hash = text(caching_sha2::NO_PASSWORD);
        vec![
            format!("ALTER USER {user} IDENTIFIED WITH caching_sha2_password AS {hash}"),
            // The one before may go on beside the new one.
            format!("ALTER USER {user} DISCARD OLD PASSWORD"),
        ]
    }

    fn is_shut_out(&self) -> String {
        format!(
            "SELECT COALESCE(u.authentication_string = {} AND u.plugin = 'caching_sha2_password'
               AND JSON_VALUE(u.User_attributes, '$.additional_password') IS NULL, FALSE)
             FROM mysql.user u WHERE u.User = ? AND u.Host = ?",
            text(caching_sha2::NO_PASSWORD)
        )
    }

    fn take(&self, found: &Found, mark: &str, given: &[String]) -> Vec<String> {
        let (own, user) = (self.role(&self.own_role(mark)), &found.user);
        let given: Vec<User> = given.iter().map(|role| self.role(role)).collect();
        let mut statements: Vec<String> = given
            .iter()
            .map(|role| format!("GRANT {role} TO {user}"))
            .collect();
        // It begins with what counted when it began.
        if self.is_begun(found, &own) {
            let others = found.begins_with.iter().filter(|role| **role != own);
            statements.push(begins_with(user, others.chain(&given)));
        }
        statements.push(format!("DROP ROLE IF EXISTS {}", name(&own.name)));
        statements.push(Self::attribute(user, &Value::Null));
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> User {
        User {
            name: name.to_owned(),
            host: "%".to_owned(),
        }
    }

    #[test]
    fn the_own_role_fits_whatever_the_mark() {
        let longest = MySql8.longest(NameOf::Role).unwrap();
        let long = MySql8.own_role(&format!("prod/{}/{}", "n".repeat(63), "1".repeat(63)));
        let short = MySql8.own_role("prod/people/1");
        assert!(long.len() <= longest && short.len() == long.len());
        assert_ne!(long, short);
        assert_eq!(short.len(), OWN.len() + DIGITS);
    }

    #[test]
    fn whoever_begins_with_nothing_else_begins_with_none() {
        let (ada, staff) = (user("ada"), user("staff"));
        let none = begins_with(&ada, [].iter());
        assert_eq!(none, "SET DEFAULT ROLE NONE TO 'ada'@'%'");
        let twice = begins_with(&ada, [&user("a"), &staff, &staff].into_iter());
        assert_eq!(twice, "SET DEFAULT ROLE 'a'@'%', 'staff'@'%' TO 'ada'@'%'");
    }
}
