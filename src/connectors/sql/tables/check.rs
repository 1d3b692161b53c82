//! Whether statements can do what they are for: by themselves, and in the eyes of the database.

use super::Tables;
use crate::connectors::{Capabilities, ConnectorError, ErrorKind, Result};

fn invalid(field: &str, why: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Invalid,
        format!("spec.sql.tables.{field}: {why}"),
    )
}

impl Tables {
    /// Parameters that are known, and those that are needed.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(name) = self.config.managed.iter().find(|name| !is_column(name)) {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "spec.account.attributes[{name}]: a column is called by letters, digits and `_`: rename it (… AS)"
                ),
            ));
        }
        let reserved = ["id", "username", "mark", "active", "password"];
        if let Some(name) = self
            .config
            .managed
            .iter()
            .find(|n| reserved.contains(&n.as_str()))
        {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "spec.account.attributes[{name}]: {name} is no attribute, but what every account has: call the column otherwise in spec.sql.tables.list"
                ),
            ));
        }
        for named in self.config.statements() {
            let has = named.statement.parameters();
            if let Some(odd) = has.iter().find(|name| !named.may_have.contains(name)) {
                let known = named.may_have.iter().map(|name| format!(":{name}"));
                let known = known.collect::<Vec<_>>().join(", ");
                let known = if known.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("there are {known}")
                };
                return Err(invalid(
                    named.field,
                    &format!("there is no parameter :{odd}; {known}"),
                ));
            }
            if let Some(absent) = named.must_have.iter().find(|name| !has.contains(**name)) {
                return Err(invalid(
                    named.field,
                    &format!("the parameter :{absent} must be in it"),
                ));
            }
        }
        Ok(())
    }

    /// Lets the database read each statement, and compares the columns.
    pub(super) async fn find_out(&self) -> Result<Capabilities> {
        self.database.probe().await?;
        for named in self.config.statements() {
            let (text, order) = named.statement.placed(self.database.dialect());
            let what = format!("spec.sql.tables.{}", named.field);
            let described = self.database.describe(&what, &text).await;
            let described = described.map_err(|error| match error.kind {
                ErrorKind::Invalid => error.with_remedy("mend the statement"),
                _ => error,
            })?;
            if described.places != order.len() {
                return Err(invalid(
                    named.field,
                    &format!(
                        "the database sees {} parameters in it, and there are {}: does one stand in a text or a comment?",
                        described.places,
                        order.len()
                    ),
                ));
            }
            let columns = described.columns;
            let absent = named
                .columns
                .iter()
                .find(|name| !columns.iter().any(|column| column == *name));
            if let Some(absent) = absent {
                return Err(invalid(
                    named.field,
                    &format!(
                        "it answers with {}, and lacks {absent}: name a column so (… AS {absent})",
                        columns.join(", ")
                    ),
                ));
            }
        }
        let config = &self.config;
        let update = config.update.as_ref();
        Ok(Capabilities {
            disable: config.disable.is_some() && config.enable.is_some(),
            rename: update.is_some_and(|update| update.parameters().contains("username")),
            delete: config.delete.is_some(),
            patch: update.is_some(),
            filter: true,
            entitlements: config.entitlements.is_some(),
            mark: true,
            revokes: config.revoking.keys().copied().collect(),
            ownership: config.ownership.is_some(),
            max_page: None,
            notes: Vec::new(),
        })
    }
}

fn is_column(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(inner)
}
