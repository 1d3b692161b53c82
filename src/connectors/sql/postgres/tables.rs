//! PostgreSQL as a database whose tables are an application's own.

use async_trait::async_trait;
use serde_json::Value;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Transaction};

use super::connection::Postgres;
use crate::connectors::sql::database::{Database, Description, Query, Step, Verify};
use crate::connectors::sql::dialect::Dialect;
use crate::connectors::sql::server::Stage;
use crate::connectors::sql::value::{Param, Row};
use crate::connectors::{ConnectorError, ErrorKind};

fn places(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    let params = params.iter();
    params.map(|param| param as &(dyn ToSql + Sync)).collect()
}

/// Rows as JSON, so that whatever type a column has can be read.
fn as_json(text: &str) -> String {
    // The statement may end with a comment.
    format!("SELECT row_to_json(rollcall_row)::text FROM (\n{text}\n) AS rollcall_row")
}

impl Postgres {
    async fn rows_in(
        &self,
        what: &str,
        transaction: &Transaction<'_>,
        query: &Query,
    ) -> Result<Vec<Row>, ConnectorError> {
        let rows = transaction
            .query(&as_json(&query.text), &places(&query.params))
            .await
            .map_err(|error| self.failed(what, &error, Stage::Undone))?;
        let odd = || {
            ConnectorError::new(
                ErrorKind::Nonsense,
                format!("{what}: a row can't be read as JSON"),
            )
        };
        let read = rows.iter().map(|row| {
            let text: String = row.try_get(0).map_err(|_| odd())?;
            match serde_json::from_str(&text) {
                Ok(Value::Object(row)) => Ok(row),
                _ => Err(odd()),
            }
        });
        read.collect()
    }

    async fn begun<'c>(
        &self,
        what: &str,
        client: &'c mut Client,
        read_only: bool,
    ) -> Result<Transaction<'c>, ConnectorError> {
        let begun = client.build_transaction().read_only(read_only).start();
        begun
            .await
            .map_err(|error| self.failed(what, &error, Stage::Undone))
    }
}

#[async_trait]
impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn probe(&self) -> Result<(), ConnectorError> {
        self.client().await.map(drop)
    }

    async fn describe(&self, what: &str, text: &str) -> Result<Description, ConnectorError> {
        let client = self.client().await?;
        let prepared = async {
            let prepared = client.prepare(text).await;
            prepared.map_err(|error| self.failed(what, &error, Stage::Undone))
        };
        let prepared = self.bounded(what, Stage::Undone, prepared).await?;
        let columns = prepared.columns().iter();
        Ok(Description {
            columns: columns.map(|column| column.name().to_owned()).collect(),
            places: prepared.params().len(),
        })
    }

    async fn rows(&self, what: &str, query: &Query) -> Result<Vec<Row>, ConnectorError> {
        let mut client = self.client().await?;
        let reading = async {
            let transaction = self.begun(what, &mut client, true).await?;
            let rows = self.rows_in(what, &transaction, query).await?;
            let ended = transaction.commit().await;
            ended.map_err(|error| self.failed(what, &error, Stage::Undone))?;
            Ok(rows)
        };
        self.bounded(what, Stage::Undone, reading).await
    }

    async fn change(
        &self,
        what: &str,
        steps: &[Step],
        verify: &Verify<'_>,
    ) -> Result<Vec<Row>, ConnectorError> {
        let mut client = self.client().await?;
        let changing = async {
            let transaction = self.begun(what, &mut client, false).await?;
            let mut seen = Vec::new();
            for step in steps {
                match step {
                    Step::Rows(query) => seen = self.rows_in(what, &transaction, query).await?,
                    Step::Run(query) | Step::RunAll(query) => {
                        let done = transaction
                            .execute(query.text.as_str(), &places(&query.params))
                            .await
                            .map_err(|error| self.failed(what, &error, Stage::Undone))?;
                        // None at all is for what is read afterwards to judge: a procedure counts nothing.
                        if done > 1 && matches!(step, Step::Run(_)) {
                            return Err(ConnectorError::new(
                                ErrorKind::Ignored,
                                format!(
                                    "{what}: the statement touched {done} rows, so that it was undone: mend it, it is about one"
                                ),
                            ));
                        }
                    }
                }
            }
            // What is dropped here is rolled back.
            verify(&seen)?;
            let ended = transaction.commit().await;
            ended.map_err(|error| self.failed(what, &error, Stage::Committing))?;
            Ok(seen)
        };
        self.bounded(what, Stage::Committing, changing).await
    }
}
