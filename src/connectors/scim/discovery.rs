//! Finding out what a server can do, and whether we reached one at all (RFC 7644 section 4).

use serde_json::Value;

use super::ScimConnector;
use super::dialect::{Announced, names_endpoint};
use super::failure::Failure;
use super::json::get;
use crate::connectors::{Capabilities, ConnectorError, ErrorKind};
use crate::domain::credentials::CredentialKind;

impl ScimConnector {
    /// Reads what the server says of itself, and one user. The user is what proves the address and
    /// the credential: some servers show their configuration to anyone.
    pub(super) async fn discover(&self) -> Result<Capabilities, ConnectorError> {
        let config = self.optional("ServiceProviderConfig").await?;
        let types = self.optional("ResourceTypes").await?;
        let mut announced = config.as_ref().map(Announced::read).unwrap_or_default();
        self.learn(|dialect| dialect.announced.cursor = announced.cursor);
        self.prove_users().await?;
        announced.groups = match types
            .as_ref()
            .and_then(|types| names_endpoint(types, "Groups"))
        {
            Some(named) => named,
            None => self.answers("Groups").await?,
        };
        self.learn(|dialect| dialect.announced = announced);
        Ok(self.capabilities())
    }

    /// Confirms that a 404 speaks of one record, and not of everything: a wrong base URL answers 404
    /// as well. Gives back the error that is true.
    pub(super) async fn confirm_missing(&self, failure: Failure) -> ConnectorError {
        if failure.error.kind != ErrorKind::NotFound {
            return failure.into();
        }
        match self.prove_users().await {
            Ok(()) => failure.into(),
            Err(error) => error,
        }
    }

    fn capabilities(&self) -> Capabilities {
        let dialect = self.dialect();
        let mut notes = Vec::new();
        if dialect.announced.bulk {
            notes.push("Bulk".to_owned());
        }
        if dialect.announced.cursor {
            notes.push("Cursor".to_owned());
        }
        if dialect.announced.etag {
            notes.push("ETag".to_owned());
        }
        Capabilities {
            disable: true,
            rename: true,
            delete: true,
            patch: dialect.patches_users() && dialect.patches_groups(),
            filter: dialect.filters(),
            entitlements: dialect.announced.groups,
            mark: true,
            revokes: dialect
                .announced
                .passwords
                .then_some(CredentialKind::Passwords)
                .into_iter()
                .collect(),
            ownership: false,
            max_page: dialect.announced.max_results,
            notes,
        }
    }

    /// Reads one user, as a proof that this is a SCIM server that lets us in.
    async fn prove_users(&self) -> Result<(), ConnectorError> {
        match self
            .get(&["Users"], &self.one_record(), "reading one user")
            .await
        {
            Ok(answer) if answer.json.as_ref().is_some_and(is_list) => Ok(()),
            Ok(_) => Err(ConnectorError::new(
                ErrorKind::Nonsense,
                "the answer to a list of users is no SCIM list; is the base URL right?",
            )),
            Err(failure) => Err(as_proof(failure)),
        }
    }

    /// Asks for one record, in the way that lists are paged.
    fn one_record(&self) -> [(&'static str, &'static str); 2] {
        let first = if self.dialect().announced.cursor {
            ("cursor", "")
        } else {
            ("startIndex", "1")
        };
        [first, ("count", "1")]
    }

    /// A document that a server may lack. What it says of the credential still counts.
    async fn optional(&self, document: &str) -> Result<Option<Value>, ConnectorError> {
        match self
            .get(&[document], &[], &format!("reading {document}"))
            .await
        {
            Ok(answer) => Ok(answer
                .json
                .filter(|json| json.is_object() || json.is_array())),
            Err(failure) if failure.error.kind.concerns_target() => Err(failure.into()),
            Err(_) => Ok(None),
        }
    }

    /// Whether the server has such a collection. Only an answer that says so means that it has none: a
    /// server with a bad moment at our start has groups all the same.
    async fn answers(&self, collection: &str) -> Result<bool, ConnectorError> {
        match self
            .get(
                &[collection],
                &self.one_record(),
                &format!("reading one of {collection}"),
            )
            .await
        {
            Ok(answer) => Ok(answer.json.as_ref().is_some_and(is_list)),
            Err(failure) if failure.error.kind.concerns_target() => Err(failure.into()),
            Err(failure) => Ok(!failure.had_status(&[403, 404, 405, 501])),
        }
    }
}

/// Whether this is a list answer (RFC 7644 section 3.4.2). `Resources` may be missing when there are
/// none.
pub(super) fn is_list(json: &Value) -> bool {
    get(json, "Resources").is_some_and(Value::is_array)
        || get(json, "totalResults").is_some_and(|t| t.is_u64() || t.is_string())
}

/// What a failure to read any user says of the whole target.
fn as_proof(failure: Failure) -> ConnectorError {
    let mut error = failure.error;
    match error.kind {
        ErrorKind::Forbidden => error.kind = ErrorKind::Unauthorized,
        ErrorKind::NotFound => {
            error.kind = ErrorKind::Nonsense;
            error.message = format!("{}; is the base URL right?", error.message);
        }
        _ => {}
    }
    error
}
