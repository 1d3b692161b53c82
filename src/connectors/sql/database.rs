//! What the connector needs of a database, whichever it is.

use async_trait::async_trait;

use super::statement::Places;
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
    /// Runs a statement. Where `must_hit`, it must change or find at least one row.
    Run {
        /// The statement.
        query: Query,
        /// Whether no row at all is an error.
        must_hit: bool,
    },
    /// Reads rows.
    Rows(Query),
}

/// Says whether what the last read of a transaction showed is as it should be; else nothing of it stays.
pub type Verify<'a> = dyn Fn(&[Row]) -> Result<(), ConnectorError> + Send + Sync + 'a;

/// A database that is spoken to.
#[async_trait]
pub trait Database: Send + Sync {
    /// How it writes places.
    fn places(&self) -> Places;

    /// Whether it lets us in.
    async fn probe(&self) -> Result<(), ConnectorError>;

    /// Lets it read a statement without running it. Answers the names of its columns.
    async fn describe(&self, what: &str, text: &str) -> Result<Vec<String>, ConnectorError>;

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
