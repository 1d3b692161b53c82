//! What MySQL and MariaDB do about users each in a way of its own, as texts of statements. When which of them is said is
//! the same, and stands elsewhere.

use secrecy::SecretString;

use super::listing::Found;
use super::of_mariadb::MariaDb;
use super::of_mysql::MySql8;
use super::quote::User;
use crate::connectors::Result;
use crate::connectors::sql::mysql::connection::Session;
use crate::connectors::sql::names::NameOf;

/// A user that is to be made.
pub(super) struct New<'a> {
    /// Who.
    pub user: &'a User,
    /// Our mark.
    pub mark: &'a str,
    /// What a password is compared with.
    pub hash: &'a str,
    /// Most connections at once; 0 is no limit.
    pub limit: u32,
    /// Whether it is let in.
    pub active: bool,
}

/// One of the two. What is told as columns is what a query of that text answers with.
pub(super) trait Flavour: Send + Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// The oldest version that can do all this.
    fn oldest(&self) -> (u16, u16, u16);

    /// How many characters a name may have. `None` where there is no limit to it.
    fn longest(&self, of: NameOf) -> Option<usize>;

    /// Rights on everything that we need, to find something in particular too.
    fn rights(&self, to: Need) -> &'static [&'static str];

    /// Tables of `mysql` that are read, and the right that lets us.
    fn tables(&self) -> (&'static [&'static str], &'static str);

    /// Users: `name`, `host`, `locked`, `subject` (whose certificate it needs), `connections`, `begins` (roles that
    /// it begins with, as JSON pairs of name and host), `marks` (one a line).
    fn users(&self) -> String;

    /// Roles that can be given: `name`.
    fn roles(&self) -> String;

    /// Who was given which: `given`, `name`, `host`.
    fn given(&self) -> &'static str;

    /// What runs with somebody's rights: `kind`, `place`, `name`, `definer`.
    fn definers(&self) -> &'static str;

    /// The role that one who has a mark begins with, and that holds what they are given.
    fn own_role(&self, mark: &str) -> String;

    /// A role, as [`Self::given`] names it.
    fn role(&self, name: &str) -> User;

    /// What a password is compared with. Without one, what no password is like.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    fn hash(&self, password: Option<&SecretString>) -> Result<String>;

    /// Makes a user and all that belongs to it.
    fn make(&self, new: &New<'_>) -> Vec<String>;

    /// Goes on making one that was left half made.
    fn resume(&self, new: &New<'_>) -> Vec<String>;

    /// Gives a user that was made all that belongs to one of ours, and lets it in or not.
    fn finish(&self, user: &User, mark: &str, active: bool) -> Vec<String>;

    /// Whether a user begins with its own role, or will when it is finished.
    fn is_begun(&self, found: &Found, own: &User) -> bool;

    /// Lets a user begin with its own role, which is there, beside the others.
    fn begin(&self, user: &User, others: &[User], own: &User) -> Vec<String>;

    /// Puts our mark on one that was there before.
    ///
    /// # Errors
    /// Where it could not be with what it has.
    fn put(&self, what: &str, found: &Found, mark: &str) -> Result<Vec<String>>;

    /// Leaves nothing that a user is let in with.
    fn shut_out(&self, user: &User) -> Vec<String>;

    /// Whether nothing lets a user in, of a name and a host: one row, with one truth.
    fn is_shut_out(&self) -> String;

    /// Takes our mark off. What was given by it stays given, to the user.
    fn take(&self, found: &Found, mark: &str, given: &[String]) -> Vec<String>;
}

/// What rights are needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// To manage users.
    Manage,
    /// To see what runs with somebody's rights.
    SeeDefiners,
}

/// Which of the two a connection leads to.
pub(super) fn flavour(session: &Session) -> &'static dyn Flavour {
    named(session.version())
}

fn named(version: &str) -> &'static dyn Flavour {
    if version.contains("MariaDB") {
        &MariaDb
    } else {
        &MySql8
    }
}

/// Says why a server is too old.
pub(super) fn too_old(version: &str) -> Option<String> {
    let flavour = named(version);
    let mut numbers = version
        .split(|sign: char| !sign.is_ascii_digit())
        .map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let (major, minor, patch) = flavour.oldest();
    ((next(), next(), next()) < flavour.oldest()).then(|| {
        format!(
            "the server is {version}, and users are managed from {} {major}.{minor}.{patch} on: its tables can be (spec.sql.tables)",
            flavour.name()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_says_which_it_is_and_whether_it_is_too_old() {
        for (version, name, is_too_old) in [
            ("9.7.4-2", "MySQL", false),
            ("8.4.6", "MySQL", false),
            ("8.0.36-28.1", "MySQL", false),
            ("8.0.21", "MySQL", false),
            ("8.0.20", "MySQL", true),
            ("5.7.44-log", "MySQL", true),
            ("8.0.11-TiDB-v7.5.0", "MySQL", true),
            ("10.11.14-MariaDB-0+deb12u2", "MariaDB", false),
            ("10.5.2-MariaDB", "MariaDB", false),
            ("10.4.34-MariaDB", "MariaDB", true),
            ("", "MySQL", true),
        ] {
            assert_eq!(named(version).name(), name, "{version}");
            let told = too_old(version);
            assert_eq!(told.is_some(), is_too_old, "{version}");
            assert!(told.is_none_or(|told| told.contains(name)), "{version}");
        }
    }
}
