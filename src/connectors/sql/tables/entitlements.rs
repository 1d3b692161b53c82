//! Entitlements in tables, and the listing of everything.

use std::collections::{HashMap, HashSet};

use super::{Tables, has, missing};
use crate::connectors::oddities::Oddities;
use crate::connectors::sql::config::EntitlementStatements;
use crate::connectors::sql::database::{Query, Step};
use crate::connectors::sql::value::{Param, Row, text};
use crate::connectors::{ConnectorError, ErrorKind, HolderChange, HolderResults, Listing, Result};
use crate::domain::account::{Completeness, ObservedEntitlement};
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

impl Tables {
    fn statements(&self, what: &str) -> Result<&EntitlementStatements> {
        let statements = self.config.entitlements.as_ref();
        statements.ok_or_else(|| missing("entitlements", what))
    }

    pub(super) async fn list_all(&self) -> Result<Listing> {
        let what = "listing accounts";
        let everything = self.all_rows(&self.config.list);
        let rows = self.database.rows(what, &everything).await?;
        let mut accounts = Vec::with_capacity(rows.len());
        let mut odd = Oddities::default();
        for row in &rows {
            match self.account(what, row) {
                Ok(account) => accounts.push(account),
                Err(error) => odd.note(error.message),
            }
        }
        let before = accounts.len();
        let mut seen = HashSet::new();
        accounts.retain(|account| seen.insert(account.id.clone()));
        let accounts_completeness = if before > accounts.len() {
            // A join that multiplies rows shows nothing that can be trusted.
            Completeness::Partial(format!(
                "spec.sql.tables.list shows {} accounts more than once: let it show each once",
                before - accounts.len()
            ))
        } else if odd.count() > 0 {
            Completeness::Partial(format!(
                "{} rows of spec.sql.tables.list make no sense",
                odd.count()
            ))
        } else {
            Completeness::Complete
        };
        let known: HashSet<&AccountId> = accounts.iter().map(|account| &account.id).collect();
        let (entitlements, strange, requests) = match &self.config.entitlements {
            None => (Vec::new(), None, 1),
            Some(statements) => {
                let (held, strange) = self.held(statements, &known).await?;
                (held, strange, 3)
            }
        };
        Ok(Listing {
            accounts,
            accounts_completeness,
            entitlements,
            entitlements_completeness: strange
                .map_or(Completeness::Complete, Completeness::Partial),
            oddities: odd.told(),
            requests,
        })
    }

    /// Entitlements with their holders, and what about them makes no sense: nothing is taken to be absent then.
    async fn held(
        &self,
        statements: &EntitlementStatements,
        known: &HashSet<&AccountId>,
    ) -> Result<(Vec<ObservedEntitlement>, Option<String>)> {
        let what = "listing entitlements";
        let query = self.all_rows(&statements.holders);
        let rows = self.database.rows("listing who holds what", &query).await?;
        let mut held: HashMap<String, Vec<AccountId>> = HashMap::new();
        let (mut nameless, mut strangers) = (0, 0);
        for row in &rows {
            match (
                text(row, "entitlement"),
                text(row, "account").map(AccountId::new),
            ) {
                (Some(entitlement), Some(account)) => {
                    strangers += usize::from(!known.contains(&account));
                    held.entry(entitlement).or_default().push(account);
                }
                _ => nameless += 1,
            }
        }
        let query = self.all_rows(&statements.list);
        let rows = self.database.rows(what, &query).await?;
        let mut entitlements = Vec::with_capacity(rows.len());
        let mut seen = HashSet::new();
        let mut twice = 0;
        for row in &rows {
            let (id, name) = named(what, row)?;
            if !seen.insert(id.clone()) {
                twice += 1;
                continue;
            }
            let mut holders = held.remove(&id).unwrap_or_default();
            holders.sort();
            holders.dedup();
            entitlements.push(ObservedEntitlement {
                id: EntitlementId::new(id),
                name,
                holders,
                completeness: Completeness::Complete,
            });
        }
        let strange = if twice > 0 {
            Some(format!(
                "spec.sql.tables.entitlements.list shows {twice} more than once"
            ))
        } else if nameless > 0 {
            Some(format!(
                "{nameless} rows of spec.sql.tables.entitlements.holders lack a column"
            ))
        } else if !held.is_empty() {
            Some(format!(
                "spec.sql.tables.entitlements.holders names {} entitlements that are not in the list",
                held.len()
            ))
        } else if strangers > 0 {
            Some(format!(
                "{strangers} rows of spec.sql.tables.entitlements.holders name an account that is not in the list"
            ))
        } else {
            None
        };
        Ok((entitlements, strange))
    }

    pub(super) async fn make_entitlement(
        &self,
        name: &EntitlementName,
    ) -> Result<ObservedEntitlement> {
        let what = format!("making {name}");
        let statements = self.statements(&what)?;
        let create = statements.create.as_ref();
        let create = create.ok_or_else(|| missing("entitlements.create", &what))?;
        let called = self.rows_with(&statements.list, "name", name.as_str());
        let is_called = |row: &Row| has(row, "name", name.as_str());
        let mut there = self.database.rows(&what, &called).await?;
        there.retain(is_called);
        let rows = if there.is_empty() {
            let run = self.query(create, &|_| Param::text(name.as_str()));
            let steps = [Step::Run(run), Step::Rows(called)];
            let verify = |rows: &[Row]| match rows.iter().filter(|row| is_called(row)).count() {
                1 => Ok(()),
                many => Err(ConnectorError::new(
                    ErrorKind::Ignored,
                    format!(
                        "{what}: afterwards spec.sql.tables.entitlements.list shows {many} of that name, so that it was undone"
                    ),
                )),
            };
            let mut made = self.database.change(&what, &steps, &verify).await?;
            made.retain(is_called);
            made
        } else {
            there
        };
        let row = rows.first().ok_or_else(|| gone(&what))?;
        let (id, name) = named(&what, row)?;
        Ok(ObservedEntitlement {
            id: EntitlementId::new(id),
            name,
            holders: Vec::new(),
            completeness: Completeness::Partial("its holders were not read".to_owned()),
        })
    }

    pub(super) async fn drop_entitlement(&self, id: &EntitlementId) -> Result<()> {
        let what = format!("deleting entitlement {id}");
        let delete = self.statements(&what)?.delete.as_ref();
        let delete = delete.ok_or_else(|| missing("entitlements.delete", &what))?;
        let run = self.query(delete, &|_| Param::text(id.as_str()));
        let steps = [Step::Run(run)];
        self.database
            .change(&what, &steps, &|_| Ok(()))
            .await
            .map(drop)
    }

    pub(super) async fn change_grants(
        &self,
        entitlement: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults> {
        let what = format!("changing who holds {entitlement}");
        let statements = self.statements(&what)?;
        let id = entitlement.as_str();
        let by_id = self.rows_with(&statements.list, "id", id);
        let there = self.database.rows(&what, &by_id).await?;
        if !there.iter().any(|row| has(row, "id", id)) {
            return Err(gone(&what));
        }
        let held = self.held_by(statements, entitlement);
        let holders = accounts(&self.database.rows(&what, &held).await?, entitlement);
        let wanted: Vec<(&AccountId, bool)> = change.wishes().collect();
        // What is so already is left alone: the statements need not bear it twice.
        let open: Vec<(&AccountId, bool)> = wanted
            .iter()
            .filter(|(account, holds)| holders.contains(*account) != *holds)
            .copied()
            .collect();
        let mut results: HashMap<&AccountId, Result<()>> = HashMap::new();
        match self.grant(&what, statements, entitlement, &open).await {
            Ok(()) => {}
            Err(error) if error.kind.concerns_target() => return Err(error),
            Err(error) if open.len() == 1 => {
                results.extend(
                    open.iter()
                        .map(|(account, _)| (*account, Err(error.clone()))),
                );
            }
            // One by one, so that each is told for itself.
            Err(_) => {
                for one in &open {
                    let done = self.grant(&what, statements, entitlement, &[*one]).await;
                    results.insert(one.0, done);
                }
            }
        }
        let each = wanted.into_iter().map(|(account, _)| {
            let result = results.remove(account).unwrap_or(Ok(()));
            (account.clone(), result)
        });
        Ok(each.collect())
    }

    /// Gives and takes, all of it or none.
    async fn grant(
        &self,
        what: &str,
        statements: &EntitlementStatements,
        entitlement: &EntitlementId,
        wanted: &[(&AccountId, bool)],
    ) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut steps: Vec<Step> = wanted
            .iter()
            .map(|(account, holds)| {
                let statement = if *holds {
                    &statements.grant
                } else {
                    &statements.revoke
                };
                let value = |name: &str| match name {
                    "account" => Param::text(account.as_str()),
                    _ => Param::text(entitlement.as_str()),
                };
                Step::Run(self.query(statement, &value))
            })
            .collect();
        steps.push(Step::Rows(self.held_by(statements, entitlement)));
        let verify = |rows: &[Row]| {
            let holders = accounts(rows, entitlement);
            let odd = wanted
                .iter()
                .find(|(account, holds)| holders.contains(*account) != *holds);
            match odd {
                None => Ok(()),
                Some((account, _)) => Err(ConnectorError::new(
                    ErrorKind::Ignored,
                    format!(
                        "{what}: afterwards spec.sql.tables.entitlements.holders shows {account} as before, so that it was undone: mend the statement"
                    ),
                )),
            }
        };
        self.database.change(what, &steps, &verify).await.map(drop)
    }

    fn held_by(&self, statements: &EntitlementStatements, entitlement: &EntitlementId) -> Query {
        self.rows_with(&statements.holders, "entitlement", entitlement.as_str())
    }
}

fn accounts(rows: &[Row], entitlement: &EntitlementId) -> HashSet<AccountId> {
    let held = rows.iter();
    let held = held.filter(|row| has(row, "entitlement", entitlement.as_str()));
    let named = held.filter_map(|row| text(row, "account"));
    named.map(AccountId::new).collect()
}

fn named(what: &str, row: &Row) -> Result<(String, EntitlementName)> {
    match (text(row, "id"), text(row, "name")) {
        (Some(id), Some(name)) => Ok((id, EntitlementName::new(name))),
        _ => Err(ConnectorError::new(
            ErrorKind::Nonsense,
            format!("{what}: a row of spec.sql.tables.entitlements.list has no id or no name"),
        )),
    }
}

fn gone(what: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::NotFound,
        format!("{what}: there is no such entitlement any more"),
    )
}
