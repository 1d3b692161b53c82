//! What a connector to an application's own tables is made from.

use std::collections::BTreeMap;

use super::statement::Statement;
use crate::domain::credentials::CredentialKind;

/// Statements, by what they do.
#[derive(Clone, Debug)]
pub struct TablesConfig {
    /// Lists accounts.
    pub list: Statement,
    /// Makes one.
    pub create: Statement,
    /// Changes one.
    pub update: Option<Statement>,
    /// Lets nobody use one any more.
    pub disable: Option<Statement>,
    /// Lets it be used again.
    pub enable: Option<Statement>,
    /// Puts a mark on one, or takes it off.
    pub mark: Option<Statement>,
    /// Deletes one.
    pub delete: Option<Statement>,
    /// Roles, groups and the like.
    pub entitlements: Option<EntitlementStatements>,
    /// What takes credentials of a kind away.
    pub revoking: BTreeMap<CredentialKind, RevokingStatements>,
    /// What is owned, and goes to somebody else.
    pub ownership: Option<OwnershipStatements>,
    /// Attributes that are managed: columns of `list`.
    pub managed: Vec<String>,
}

/// Statements about entitlements.
#[derive(Clone, Debug)]
pub struct EntitlementStatements {
    /// Lists them.
    pub list: Statement,
    /// Lists who holds which.
    pub holders: Statement,
    /// Gives one.
    pub grant: Statement,
    /// Takes one.
    pub revoke: Statement,
    /// Makes one.
    pub create: Option<Statement>,
    /// Deletes one.
    pub delete: Option<Statement>,
}

/// Statements about one kind of credentials.
#[derive(Clone, Debug)]
pub struct RevokingStatements {
    /// Takes all of an account away.
    pub revoke: Statement,
    /// Lists those that can be used, to prove it.
    pub list: Option<Statement>,
}

/// Statements about what accounts own.
#[derive(Clone, Debug)]
pub struct OwnershipStatements {
    /// Lists who owns what.
    pub list: Statement,
    /// Gives all of one account to another.
    pub transfer: Statement,
}

/// The fields of the statements about a kind of credentials: what revokes them, and what lists them.
#[must_use]
pub fn revoking_fields(kind: CredentialKind) -> (&'static str, &'static str) {
    match kind {
        CredentialKind::Sessions => ("revokeSessions", "listSessions"),
        CredentialKind::Tokens => ("revokeTokens", "listTokens"),
        CredentialKind::Keys => ("revokeKeys", "listKeys"),
        CredentialKind::Passwords => ("revokePasswords", "listPasswords"),
    }
}

/// Columns that a list of accounts must have, beside the managed attributes.
pub const ACCOUNT_COLUMNS: [&str; 4] = ["id", "username", "mark", "active"];
/// Columns that a list of entitlements must have.
pub const ENTITLEMENT_COLUMNS: [&str; 2] = ["id", "name"];
/// Columns that a list of holders must have.
pub const HOLDER_COLUMNS: [&str; 2] = ["entitlement", "account"];
/// Columns that a list of credentials must have.
pub const CREDENTIAL_COLUMNS: [&str; 1] = ["account"];
/// Columns that a list of who owns what must have.
pub const OWNED_COLUMNS: [&str; 2] = ["account", "thing"];
/// Parameters of a statement that gives or takes.
const MEMBERSHIP: &[&str] = &["entitlement", "account"];
/// Parameters of a statement that hands something over.
const OVER: &[&str] = &["from", "to"];

/// One statement, with what may be in it.
pub struct Named<'a> {
    /// The field that it stands in.
    pub field: &'static str,
    /// The statement.
    pub statement: &'a Statement,
    /// Parameters that it may have.
    pub may_have: Vec<&'a str>,
    /// Parameters that it must have.
    pub must_have: &'static [&'static str],
    /// Columns that it must answer with.
    pub columns: Vec<&'a str>,
}

impl TablesConfig {
    /// Every statement.
    #[must_use]
    pub fn statements(&self) -> Vec<Named<'_>> {
        let managed = || self.managed.iter().map(String::as_str);
        let with = |fixed: &[&'static str]| {
            let fixed: Vec<&str> = fixed.to_vec();
            fixed.into_iter().chain(managed()).collect::<Vec<&str>>()
        };
        let one = |field, statement, may_have, must_have, columns| Named {
            field,
            statement,
            may_have,
            must_have,
            columns,
        };
        let mut all = vec![
            one("list", &self.list, vec![], &[], with(&ACCOUNT_COLUMNS)),
            one(
                "create",
                &self.create,
                with(&["username", "mark", "active", "password"]),
                &["username", "mark"],
                vec![],
            ),
        ];
        let update = with(&["id", "username"]);
        all.extend(
            self.update
                .iter()
                .map(|s| one("update", s, update.clone(), &["id"], vec![])),
        );
        for (field, statement) in [
            ("disable", &self.disable),
            ("enable", &self.enable),
            ("delete", &self.delete),
        ] {
            let statement = statement.iter();
            all.extend(statement.map(|s| one(field, s, vec!["id"], &["id"], vec![])));
        }
        let mark = self.mark.iter();
        all.extend(mark.map(|s| one("mark", s, vec!["id", "mark"], &["id", "mark"], vec![])));
        all.extend(self.offboarding());
        if let Some(e) = &self.entitlements {
            all.extend([
                one(
                    "entitlements.list",
                    &e.list,
                    vec![],
                    &[],
                    ENTITLEMENT_COLUMNS.to_vec(),
                ),
                one(
                    "entitlements.holders",
                    &e.holders,
                    vec![],
                    &[],
                    HOLDER_COLUMNS.to_vec(),
                ),
                one(
                    "entitlements.grant",
                    &e.grant,
                    MEMBERSHIP.to_vec(),
                    MEMBERSHIP,
                    vec![],
                ),
                one(
                    "entitlements.revoke",
                    &e.revoke,
                    MEMBERSHIP.to_vec(),
                    MEMBERSHIP,
                    vec![],
                ),
            ]);
            let create = e.create.iter();
            all.extend(
                create.map(|s| one("entitlements.create", s, vec!["name"], &["name"], vec![])),
            );
            let delete = e.delete.iter();
            all.extend(delete.map(|s| one("entitlements.delete", s, vec!["id"], &["id"], vec![])));
        }
        all
    }

    /// Statements about what leavers leave behind.
    fn offboarding(&self) -> Vec<Named<'_>> {
        let list = |field, statement, columns: &[&'static str]| Named {
            field,
            statement,
            may_have: vec![],
            must_have: &[],
            columns: columns.to_vec(),
        };
        let mut all = Vec::new();
        for (kind, statements) in &self.revoking {
            let (revokes, lists) = revoking_fields(*kind);
            let may_have = match kind {
                // Where there has to be one, it is one that nobody knows.
                CredentialKind::Passwords => vec!["id", "password"],
                _ => vec!["id"],
            };
            all.push(Named {
                field: revokes,
                statement: &statements.revoke,
                may_have,
                must_have: &["id"],
                columns: vec![],
            });
            let proof = statements.list.iter();
            all.extend(proof.map(|s| list(lists, s, &CREDENTIAL_COLUMNS)));
        }
        if let Some(ownership) = &self.ownership {
            all.push(list("listOwned", &ownership.list, &OWNED_COLUMNS));
            all.push(Named {
                field: "transferOwnership",
                statement: &ownership.transfer,
                may_have: OVER.to_vec(),
                must_have: OVER,
                columns: vec![],
            });
        }
        all
    }
}
