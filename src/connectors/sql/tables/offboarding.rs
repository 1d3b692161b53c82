//! Credentials in tables, and what accounts own there.

use secrecy::ExposeSecret as _;

use super::accounts::gone;
use super::{Tables, has, missing};
use crate::connectors::offboarding::must_differ;
use crate::connectors::random::nobodys_password;
use crate::connectors::sql::config::{OwnershipStatements, revoking_fields};
use crate::connectors::sql::database::{Query, Step};
use crate::connectors::sql::value::{Param, Row, text};
use crate::connectors::{ConnectorError, ErrorKind, Owned, Result, Revocation, Transfer};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;

/// Rows that a list has for an account.
fn of_account(rows: &[Row], id: &AccountId) -> usize {
    let is_its = |row: &&Row| has(row, "account", id.as_str());
    rows.iter().filter(is_its).count()
}

/// What is undone, and why.
fn undone(what: &str, field: &str, shows: &str, statement: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Ignored,
        format!(
            "{what}: afterwards spec.sql.tables.{field} still shows {shows}, so that it was undone: mend spec.sql.tables.{statement}"
        ),
    )
}

impl Tables {
    async fn must_be_there(&self, what: &str, id: &AccountId) -> Result<()> {
        let there = self.read_account(id).await?;
        there.map(drop).ok_or_else(|| gone(what))
    }

    pub(super) async fn revoke_credentials(
        &self,
        id: &AccountId,
        kind: CredentialKind,
    ) -> Result<Revocation> {
        let kinds = kind.within_a_sentence();
        let what = format!("revoking the {kinds} of account {id}");
        let (revokes, lists) = revoking_fields(kind);
        let statements = self.config.revoking.get(&kind);
        let statements = statements.ok_or_else(|| missing(revokes, &what))?;
        self.must_be_there(&what, id).await?;
        let password = nobodys_password(&what)?;
        let run = self.query(&statements.revoke, &|name| match name {
            "password" => Param::text(password.secret.expose_secret()),
            _ => Param::text(id.as_str()),
        });
        let Some(list) = &statements.list else {
            let verify = |_: &[Row]| Ok(());
            let steps = [Step::RunAll(run)];
            let changed = self.database.change(&what, &steps, &verify).await;
            changed.map_err(|error| password.kept_out_of(error))?;
            return Ok(Revocation::requested(format!(
                "spec.sql.tables.{revokes} was carried out; without {lists} nothing shows what is left"
            )));
        };
        let left = self.rows_with(list, "account", id.as_str());
        let before = self.database.rows(&what, &left).await?;
        let verify = |rows: &[Row]| match of_account(rows, id) {
            0 => Ok(()),
            count => Err(undone(&what, lists, &count.to_string(), revokes)),
        };
        let steps = [Step::RunAll(run), Step::Rows(left)];
        let changed = self.database.change(&what, &steps, &verify).await;
        changed.map_err(|error| password.kept_out_of(error))?;
        Ok(Revocation::verified(format!(
            "spec.sql.tables.{lists} shows no {kinds} any more, and showed {} before",
            of_account(&before, id)
        )))
    }

    fn ownership(&self, what: &str) -> Result<&OwnershipStatements> {
        let ownership = self.config.ownership.as_ref();
        ownership.ok_or_else(|| missing("transferOwnership", what))
    }

    fn owned_query(&self, ownership: &OwnershipStatements, id: &AccountId) -> Query {
        self.rows_with(&ownership.list, "account", id.as_str())
    }

    pub(super) async fn owned_by(&self, id: &AccountId) -> Result<Owned> {
        let what = format!("looking what account {id} owns");
        let ownership = self.ownership(&what)?;
        self.must_be_there(&what, id).await?;
        let query = self.owned_query(ownership, id);
        let rows = self.database.rows(&what, &query).await?;
        Ok(owned(&rows, id))
    }

    pub(super) async fn hand_over(&self, from: &AccountId, to: &AccountId) -> Result<Transfer> {
        let what = format!("handing over what account {from} owns");
        let ownership = self.ownership(&what)?;
        must_differ(&what, from, to)?;
        self.must_be_there(&what, from).await?;
        self.must_be_there(&format!("{what}: to account {to}"), to)
            .await?;
        let before = self.owned_by(from).await?;
        let run = self.query(&ownership.transfer, &|name| match name {
            "to" => Param::text(to.as_str()),
            _ => Param::text(from.as_str()),
        });
        let verify = |rows: &[Row]| match of_account(rows, from) {
            0 => Ok(()),
            count => {
                let shows = format!("{count} things of it");
                Err(undone(&what, "listOwned", &shows, "transferOwnership"))
            }
        };
        let steps = [
            Step::RunAll(run),
            Step::Rows(self.owned_query(ownership, from)),
        ];
        let rows = self.database.change(&what, &steps, &verify).await?;
        Ok(Transfer::between(before, owned(&rows, from)))
    }
}

fn owned(rows: &[Row], id: &AccountId) -> Owned {
    let its = rows.iter().filter(|row| has(row, "account", id.as_str()));
    let unnamed = || "something without a name".to_owned();
    Owned::of(its.map(|row| text(row, "thing").unwrap_or_else(unnamed)))
}
