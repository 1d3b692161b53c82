//! A connection that keeps the questions it was asked: the server plans each of them once, and not each time.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

/// A value and what it is: where the server need not be asked for that, a question is one round trip.
pub(super) type Param<'p> = (&'p (dyn ToSql + Sync), Type);

/// A connection, with what it has prepared.
pub struct Connection {
    client: Client,
    /// By their texts, of which there are few: no value is ever part of one.
    prepared: Mutex<HashMap<String, Statement>>,
}

impl Connection {
    /// One that has prepared nothing yet.
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            prepared: Mutex::default(),
        }
    }

    fn prepared(&self) -> MutexGuard<'_, HashMap<String, Statement>> {
        // What a panicking holder left is a fact, true by itself.
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a question that is asked again and again.
    pub(super) async fn ask(&self, text: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
        let known = self.prepared().get(text).cloned();
        let statement = if let Some(known) = known {
            known
        } else {
            let types: Vec<Type> = params.iter().map(|(_, ty)| ty.clone()).collect();
            let statement = self.client.prepare_typed(text, &types).await?;
            let mut prepared = self.prepared();
            prepared.insert(text.to_owned(), statement.clone());
            statement
        };
        let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|(value, _)| *value).collect();
        self.client.query(&statement, &values).await
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}
