//! Accounts in tables.

use secrecy::ExposeSecret as _;

use super::{Tables, has, missing};
use crate::connectors::sql::database::{Query, Step};
use crate::connectors::sql::value::{Param, Row, attribute, text, truth};
use crate::connectors::{ConnectorError, ErrorKind, FindKey, InitialPassword, MarkChange, Result};
use crate::domain::account::{
    Activity, AttributeChanges, AttributeValue, Attributes, NewAccount, ObservedAccount,
};
use crate::domain::ids::{AccountId, AttributeName, Username};
use crate::domain::mark::Mark;

impl Tables {
    pub(super) async fn accounts_by(
        &self,
        what: &str,
        query: &Query,
    ) -> Result<Vec<ObservedAccount>> {
        let rows = self.database.rows(what, query).await?;
        rows.iter().map(|row| self.account(what, row)).collect()
    }

    /// A row as an account.
    pub(super) fn account(&self, what: &str, row: &Row) -> Result<ObservedAccount> {
        let lacks = |column: &str| {
            ConnectorError::new(
                ErrorKind::Nonsense,
                format!("{what}: a row of spec.sql.tables.list has no {column}"),
            )
        };
        let mut attributes = Attributes::default();
        for name in &self.config.managed {
            if let Some(value) = attribute(row, name) {
                attributes.insert(AttributeName::new(name), value);
            }
        }
        Ok(ObservedAccount {
            id: AccountId::new(text(row, "id").ok_or_else(|| lacks("id"))?),
            username: Username::new(text(row, "username").ok_or_else(|| lacks("username"))?),
            mark: text(row, "mark").filter(|mark| !mark.is_empty()),
            activity: match truth(row, "active") {
                Some(true) => Activity::Active,
                Some(false) => Activity::Disabled,
                None => Activity::Unknown,
            },
            attributes,
            unfinished: false,
        })
    }

    fn by_id(&self, id: &AccountId) -> Query {
        self.rows_with(&self.config.list, "id", id.as_str())
    }

    pub(super) async fn read_account(&self, id: &AccountId) -> Result<Option<ObservedAccount>> {
        let what = format!("reading account {id}");
        let found = self.accounts_by(&what, &self.by_id(id)).await?;
        Ok(found.into_iter().find(|account| account.id == *id))
    }

    pub(super) async fn find_accounts(&self, key: &FindKey) -> Result<Vec<ObservedAccount>> {
        let (query, what) = match key {
            FindKey::Mark(mark) => (self.by_mark(mark.as_str()), format!("finding {mark}")),
            FindKey::Username(name) => {
                let dialect = self.database.dialect();
                let (list, _) = self.config.list.placed(dialect);
                let query = Query {
                    text: format!(
                        "SELECT * FROM (\n{list}\n) AS rollcall_list WHERE lower(CAST(rollcall_list.username AS {})) = lower({})",
                        dialect.text_type(),
                        dialect.place(1)
                    ),
                    params: vec![Param::text(name.as_str())],
                };
                (query, format!("finding the user name {name}"))
            }
        };
        let mut found = self.accounts_by(&what, &query).await?;
        found.retain(|account| key.fits(account));
        Ok(found)
    }

    fn by_mark(&self, mark: &str) -> Query {
        self.rows_with(&self.config.list, "mark", mark)
    }

    /// Does something, and shows the one account that a read then shows.
    async fn done(
        &self,
        what: &str,
        run: Query,
        (read, key): (Query, (&str, &str)),
        is_so: &(dyn Fn(&ObservedAccount) -> bool + Send + Sync),
    ) -> Result<ObservedAccount> {
        let (column, value) = key;
        let meant = |rows: &[Row]| -> Vec<Row> {
            let meant = rows.iter().filter(|row| has(row, column, value));
            meant.cloned().collect()
        };
        let one = |rows: &[Row]| match meant(rows).as_slice() {
            [row] => {
                let account = self.account(what, row)?;
                if is_so(&account) {
                    return Ok(account);
                }
                Err(ConnectorError::new(
                    ErrorKind::Ignored,
                    format!(
                        "{what}: afterwards spec.sql.tables.list shows something else, so that it was undone: mend the statement"
                    ),
                ))
            }
            [] => Err(gone(what)),
            rows => Err(ConnectorError::new(
                ErrorKind::Ignored,
                format!(
                    "{what}: afterwards spec.sql.tables.list shows {} such accounts, so that it was undone: mend the statement",
                    rows.len()
                ),
            )),
        };
        let steps = [Step::Run(run), Step::Rows(read)];
        let verify = |rows: &[Row]| one(rows).map(drop);
        let rows = self.database.change(what, &steps, &verify).await?;
        one(&rows)
    }

    pub(super) async fn create_account(
        &self,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> Result<ObservedAccount> {
        let what = format!("making account {}", account.username);
        let value = |name: &str| match name {
            "username" => Param::text(account.username.as_str()),
            "mark" => Param::text(account.mark.as_str()),
            "active" => Param::Truth(account.active),
            "password" => password.map_or(Param::Null, |p| Param::text(p.secret.expose_secret())),
            other => account
                .attributes
                .iter()
                .find(|(name, _)| name.as_str() == other)
                .map_or(Param::Null, |(_, value)| value.into()),
        };
        let run = self.query(&self.config.create, &value);
        let mark = account.mark.as_str();
        let read = self.by_mark(mark);
        // An answer that was lost may have been a success.
        let there = self.accounts_by(&what, &read).await?;
        let marked = |account: &ObservedAccount| account.mark.as_deref() == Some(mark);
        if let Some(there) = there.into_iter().find(marked) {
            return Ok(there);
        }
        let active = if account.active {
            Activity::Active
        } else {
            Activity::Disabled
        };
        let is_so =
            |made: &ObservedAccount| made.username == account.username && made.activity == active;
        let made = self.done(&what, run, (read, ("mark", mark)), &is_so).await;
        made.map_err(|error| match error.kind {
            ErrorKind::Invalid => unfit(error, "create"),
            ErrorKind::NotFound => ConnectorError::new(
                ErrorKind::Ignored,
                format!("{what}: afterwards spec.sql.tables.list shows no account with its mark, so that it was undone: let spec.sql.tables.create set :mark"),
            ),
            _ => error,
        })
    }

    pub(super) async fn update_account(
        &self,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> Result<ObservedAccount> {
        let what = format!("changing account {id}");
        let update = self.config.update.as_ref();
        let update = update.ok_or_else(|| missing("update", &what))?;
        let has = update.parameters();
        let wanted = changes.set.keys().chain(&changes.clear);
        let unknown = wanted
            .map(AttributeName::as_str)
            .find(|name| !has.contains(name));
        let unknown = unknown.or_else(|| {
            let renames = changes.username.is_some() && !has.contains("username");
            renames.then_some("username")
        });
        if let Some(name) = unknown {
            return Err(ConnectorError::new(
                ErrorKind::Unsupported,
                format!("{what}: spec.sql.tables.update does not set :{name}"),
            ));
        }
        let now = self.read_account(id).await?.ok_or_else(|| gone(&what))?;
        let username = changes.username.as_ref().unwrap_or(&now.username);
        let value = |name: &str| match name {
            "id" => Param::text(id.as_str()),
            "username" => Param::text(username.as_str()),
            other if changes.clear.iter().any(|name| name.as_str() == other) => Param::Null,
            other => {
                let known = |attributes: &Attributes| {
                    let mut all = attributes.iter();
                    all.find(|(name, _)| name.as_str() == other)
                        .map(|(_, value)| Param::from(value))
                };
                // What does not change stays as it is, an empty text included.
                let stays = match now.attributes.get(other) {
                    Some(AttributeValue::Text(text)) => Some(Param::text(text)),
                    _ => known(&now.attributes),
                };
                known(&changes.set).or(stays).unwrap_or(Param::Null)
            }
        };
        let run = self.query(update, &value);
        let renamed = changes.username.clone();
        let is_so = move |after: &ObservedAccount| {
            renamed.as_ref().is_none_or(|name| after.username == *name)
        };
        self.done(&what, run, (self.by_id(id), ("id", id.as_str())), &is_so)
            .await
            .map_err(|error| unfit(error, "update"))
    }

    pub(super) async fn switch_account(
        &self,
        id: &AccountId,
        active: bool,
    ) -> Result<ObservedAccount> {
        let (doing, field, statement, wanted) = if active {
            ("enabling", "enable", &self.config.enable, Activity::Active)
        } else {
            (
                "disabling",
                "disable",
                &self.config.disable,
                Activity::Disabled,
            )
        };
        let what = format!("{doing} account {id}");
        let statement = statement.as_ref().ok_or_else(|| missing(field, &what))?;
        let run = self.query(statement, &|_| Param::text(id.as_str()));
        let is_so = move |after: &ObservedAccount| after.activity == wanted;
        self.done(&what, run, (self.by_id(id), ("id", id.as_str())), &is_so)
            .await
    }

    pub(super) async fn mark_account(
        &self,
        id: &AccountId,
        change: &MarkChange,
    ) -> Result<ObservedAccount> {
        let what = format!("{} account {id}", change.doing());
        let statement = self.config.mark.as_ref();
        let statement = statement.ok_or_else(|| missing("mark", &what))?;
        let now = self.read_account(id).await?.ok_or_else(|| gone(&what))?;
        if !change.is_open(&what, now.mark.as_deref())? {
            return Ok(now);
        }
        let wanted = change.wanted().map(Mark::as_str);
        let value = |name: &str| match name {
            "mark" => wanted.map_or(Param::Null, Param::text),
            _ => Param::text(id.as_str()),
        };
        let run = self.query(statement, &value);
        let is_so = |after: &ObservedAccount| after.mark.as_deref() == wanted;
        self.done(&what, run, (self.by_id(id), ("id", id.as_str())), &is_so)
            .await
    }

    pub(super) async fn delete_account(&self, id: &AccountId) -> Result<()> {
        let what = format!("deleting account {id}");
        let delete = self.config.delete.as_ref();
        let delete = delete.ok_or_else(|| missing("delete", &what))?;
        let run = self.query(delete, &|_| Param::text(id.as_str()));
        let steps = [Step::Run(run), Step::Rows(self.by_id(id))];
        let verify = |rows: &[Row]| {
            if !rows.iter().any(|row| has(row, "id", id.as_str())) {
                return Ok(());
            }
            Err(ConnectorError::new(
                ErrorKind::Ignored,
                format!(
                    "{what}: afterwards it is still there, so that it was undone: mend spec.sql.tables.delete"
                ),
            ))
        };
        self.database.change(&what, &steps, &verify).await.map(drop)
    }
}

/// A value that the database refuses is told with where it comes from.
fn unfit(error: ConnectorError, statement: &str) -> ConnectorError {
    if error.kind != ErrorKind::Invalid {
        return error;
    }
    error.with_remedy(&format!(
        "mend what spec.account gives, the fact behind it, or spec.sql.tables.{statement}"
    ))
}

pub(super) fn gone(what: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::NotFound,
        format!("{what}: there is no such account any more"),
    )
}
