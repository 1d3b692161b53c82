//! What a connector to an application's own tables is made from.

use super::statement::Statement;

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

/// Columns that a list of accounts must have, beside the managed attributes.
pub const ACCOUNT_COLUMNS: [&str; 4] = ["id", "username", "mark", "active"];
/// Columns that a list of entitlements must have.
pub const ENTITLEMENT_COLUMNS: [&str; 2] = ["id", "name"];
/// Columns that a list of holders must have.
pub const HOLDER_COLUMNS: [&str; 2] = ["entitlement", "account"];
/// Parameters of a statement that gives or takes.
const MEMBERSHIP: &[&str] = &["entitlement", "account"];

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
}
