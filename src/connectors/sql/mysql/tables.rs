//! MySQL or MariaDB as a database whose tables are an application's own.

use async_trait::async_trait;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Params};

use super::connection::MySql;
use super::values::{row, sent};
use crate::connectors::sql::database::{Database, Description, Query, Step, Verify};
use crate::connectors::sql::dialect::Dialect;
use crate::connectors::sql::server::Stage;
use crate::connectors::sql::value::{Param, Row};
use crate::connectors::{ConnectorError, ErrorKind};

/// The warning that something could not be undone: its table knows no transactions.
const NOT_UNDONE: u16 = 1196;

fn places(what: &str, params: &[Param]) -> Result<Params, ConnectorError> {
    if params.is_empty() {
        return Ok(Params::Empty);
    }
    let values = params.iter().map(|param| sent(what, param));
    Ok(Params::Positional(values.collect::<Result<_, _>>()?))
}

impl MySql {
    async fn rows_in(
        &self,
        what: &str,
        connection: &mut Conn,
        query: &Query,
    ) -> Result<Vec<Row>, ConnectorError> {
        let params = places(what, &query.params)?;
        let rows: Vec<mysql_async::Row> = connection
            .exec(query.text.as_str(), params)
            .await
            .map_err(|error| self.failed(what, &error, Stage::Undone))?;
        Ok(rows.into_iter().map(row).collect())
    }

    async fn say(
        &self,
        what: &str,
        connection: &mut Conn,
        stage: Stage,
        statement: &str,
    ) -> Result<(), ConnectorError> {
        let said = connection.query_drop(statement).await;
        said.map_err(|error| self.failed(what, &error, stage))
    }

    async fn steps(
        &self,
        what: &str,
        connection: &mut Conn,
        steps: &[Step],
    ) -> Result<Vec<Row>, ConnectorError> {
        let mut seen = Vec::new();
        for step in steps {
            match step {
                Step::Rows(query) => seen = self.rows_in(what, connection, query).await?,
                Step::Run(query) | Step::RunAll(query) => {
                    let params = places(what, &query.params)?;
                    let run = connection.exec_drop(query.text.as_str(), params).await;
                    run.map_err(|error| self.failed(what, &error, Stage::Undone))?;
                    let done = connection.affected_rows();
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
        Ok(seen)
    }

    /// Undoes what was begun. What can't be undone is told with why it should have been.
    async fn undone(
        &self,
        what: &str,
        connection: &mut Conn,
        error: ConnectorError,
    ) -> ConnectorError {
        if self
            .say(what, connection, Stage::Undone, "ROLLBACK")
            .await
            .is_err()
        {
            // The server undoes it when it sees the connection end.
            return error;
        }
        let warned = connection.query("SHOW WARNINGS").await;
        let warned: Vec<(String, u16, String)> = warned.unwrap_or_default();
        if !warned.iter().any(|(_, number, _)| *number == NOT_UNDONE) {
            return error;
        }
        ConnectorError {
            message: format!(
                "{}. It could not be undone, as a table in it knows no transactions: ALTER TABLE … ENGINE=InnoDB",
                error.message
            ),
            ..error
        }
    }
}

#[async_trait]
impl Database for MySql {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    async fn probe(&self) -> Result<(), ConnectorError> {
        self.connection().await.map(drop)
    }

    async fn describe(&self, what: &str, text: &str) -> Result<Description, ConnectorError> {
        let mut connection = self.connection().await?;
        let prepared = async {
            let prepared = connection.prep(text).await;
            prepared.map_err(|error| self.failed(what, &error, Stage::Undone))
        };
        let prepared = self.bounded(what, Stage::Undone, prepared).await?;
        let columns = prepared.columns();
        Ok(Description {
            columns: columns
                .iter()
                .map(|column| column.name_str().into_owned())
                .collect(),
            places: prepared.num_params().into(),
        })
    }

    async fn rows(&self, what: &str, query: &Query) -> Result<Vec<Row>, ConnectorError> {
        let mut connection = self.connection().await?;
        let reading = async {
            let begin = "START TRANSACTION READ ONLY";
            self.say(what, &mut connection, Stage::Undone, begin)
                .await?;
            let rows = self.rows_in(what, &mut connection, query).await?;
            self.say(what, &mut connection, Stage::Undone, "COMMIT")
                .await?;
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
        let mut connection = self.connection().await?;
        let changing = async {
            let begin = "START TRANSACTION";
            self.say(what, &mut connection, Stage::Undone, begin)
                .await?;
            let done = self.steps(what, &mut connection, steps).await;
            match done.and_then(|seen| verify(&seen).map(|()| seen)) {
                Ok(seen) => {
                    let commit = Stage::Committing;
                    self.say(what, &mut connection, commit, "COMMIT").await?;
                    Ok(seen)
                }
                Err(error) => Err(self.undone(what, &mut connection, error).await),
            }
        };
        self.bounded(what, Stage::Committing, changing).await
    }
}
