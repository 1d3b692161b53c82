//! What the connector needs of a database, whichever it is.

use async_trait::async_trait;

use super::dialect::Dialect;
use super::value::{Param, Row};
use crate::connectors::ConnectorError;

/// A statement with its values.
#[derive(Clone, Debug)]
pub struct Query {
    /// Text with places.
    pub text: String,
    /// What belongs into each place.
    pub params: Vec<Param>,
}

/// One step of a transaction.
#[derive(Clone, Debug)]
pub enum Step {
    /// Runs a statement, which must not touch more than one row.
    Run(Query),
    /// Runs a statement about as many rows as there are.
    RunAll(Query),
    /// Reads rows.
    Rows(Query),
}

/// What a database makes of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Places for values.
    pub places: usize,
}

/// Says whether what the last read of a transaction showed is as it should be; else nothing of it stays.
pub type Verify<'a> = dyn Fn(&[Row]) -> Result<(), ConnectorError> + Send + Sync + 'a;

/// A database that is spoken to.
#[async_trait]
pub trait Database: Send + Sync {
    /// The SQL that it reads.
    fn dialect(&self) -> Dialect;

    /// Whether it lets us in.
    async fn probe(&self) -> Result<(), ConnectorError>;

    /// Lets it read a statement without running it.
    async fn describe(&self, what: &str, text: &str) -> Result<Description, ConnectorError>;

    /// Reads rows.
    async fn rows(&self, what: &str, query: &Query) -> Result<Vec<Row>, ConnectorError>;

    /// Does all steps or none, and answers what the last read showed. What `verify` refuses is undone.
    async fn change(
        &self,
        what: &str,
        steps: &[Step],
        verify: &Verify<'_>,
    ) -> Result<Vec<Row>, ConnectorError>;
}
