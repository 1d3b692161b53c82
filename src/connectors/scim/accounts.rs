//! Users: read, find, create, change, delete.

use std::ops::ControlFlow;

use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::ScimConnector;
use super::failure::{Failure, Intent};
use super::filter::equals;
use super::json::get;
use super::patch;
use super::resource::{self, id_of};
use super::transport::{Answer, Request};
use super::ways::Update;
use crate::connectors::{ConnectorError, ErrorKind, FindKey, InitialPassword, MarkChange};
use crate::domain::account::{AttributeChanges, NewAccount, ObservedAccount};
use crate::domain::ids::AccountId;

/// A record as it was read, to be put back.
pub(super) struct Record {
    pub json: Value,
    pub etag: Option<String>,
}

impl ScimConnector {
    pub(super) async fn read_user(
        &self,
        id: &AccountId,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let Some(record) = self.record("Users", id.as_str()).await? else {
            return Ok(None);
        };
        self.as_user(id, &record.json).map(Some).map_err(|why| {
            ConnectorError::new(ErrorKind::Nonsense, format!("reading user {id}: {why}"))
        })
    }

    /// Reads a record whole. `None` only where the server answers, and says that there is none.
    pub(super) async fn record(
        &self,
        collection: &str,
        id: &str,
    ) -> Result<Option<Record>, ConnectorError> {
        let what = format!("reading {id} of {collection}");
        match self.get(&[collection, id], &[], &what).await {
            Ok(Answer {
                json: Some(json),
                etag,
                ..
            }) => Ok(Some(Record { json, etag })),
            Ok(_) => Err(ConnectorError::new(
                ErrorKind::Nonsense,
                format!("{what}: the answer is empty"),
            )),
            Err(failure) => match self.confirm_missing(failure).await {
                error if error.kind == ErrorKind::NotFound => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Finds users by one key. A server whose filters compare user names with case, against RFC 7643
    /// section 4.1.1, finds only the spelling that is asked for; and one that can't read an escaped
    /// quote refuses the filter, which is [`ErrorKind::Unsupported`] for that key alone.
    pub(super) async fn find_users(
        &self,
        key: &FindKey,
    ) -> Result<Vec<ObservedAccount>, ConnectorError> {
        let (filter, shown) = match key {
            FindKey::Mark(mark) => (equals("externalId", mark), format!("mark {mark}")),
            FindKey::Username(name) => (
                equals("userName", name.as_str()),
                format!("user name {name}"),
            ),
        };
        let unsupported = |why: &str| {
            ConnectorError::new(ErrorKind::Unsupported, format!("finding {shown}: {why}"))
        };
        if !self.dialect().filters() {
            return Err(unsupported("the server can't be searched by a key"));
        }
        let (mut hits, mut strangers, mut odd) = (Vec::new(), false, false);
        let walked = self
            .walk("Users", Some(&filter), &mut 0, |row| {
                match resource::user(row, &self.paths).map(|user| (matches(&user, key), user)) {
                    Ok((Match::Exact, user)) => hits.push(user),
                    Ok((Match::Loose, _)) => {}
                    Ok((Match::None, _)) => strangers = true,
                    Err(_) => odd = true,
                }
                // A server that ignores the filter would show everyone.
                if strangers {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .await;
        match walked {
            Ok(_) if strangers => {
                self.learn(|dialect| dialect.learnt.filter_ignored = true);
                Err(unsupported(
                    "the server answers a filter with records that don't match it",
                ))
            }
            Ok(completeness) if completeness.is_complete() && !odd => Ok(hits),
            Ok(_) => Err(ConnectorError::new(
                ErrorKind::Nonsense,
                format!("finding {shown}: the answer is incomplete"),
            )),
            Err(failure)
                if matches!(
                    failure.error.kind,
                    ErrorKind::Invalid | ErrorKind::Unsupported
                ) =>
            {
                Err(unsupported(&failure.error.message))
            }
            Err(failure) => match self.confirm_missing(failure).await {
                error if error.kind == ErrorKind::NotFound => Ok(hits),
                error => Err(error),
            },
        }
    }

    pub(super) async fn create_user(
        &self,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> Result<ObservedAccount, ConnectorError> {
        let mut body = patch::new_user(account, &self.paths, self.ways.manager)?;
        if let Some(password) = password {
            // RFC 7643 section 4.1.1: never returned
            body["password"] = Value::from(password.secret.expose_secret());
        }
        let what = format!("creating user {}", account.username);
        let answer = self
            .write(Method::POST, &["Users"], &body, Intent::Claim, &what)
            .await?;
        let shown = answer
            .json
            .as_ref()
            .and_then(|json| resource::user(json, &self.paths).ok());
        if let Some(user) = &shown
            && user.mark.as_deref() == Some(account.mark.as_str())
        {
            return Ok(user.clone());
        }
        // It was made. What matters from here on is what is truly there.
        let located = answer.location.as_deref().and_then(last_segment);
        let id = answer.json.as_ref().and_then(id_of).or(located);
        self.read_back(account, id).await.map_err(|why| {
            ConnectorError::new(
                ErrorKind::OutcomeUnknown,
                format!(
                    "{what}: the server accepted it, but the account can't be read back: {why}"
                ),
            )
        })
    }

    async fn read_back(
        &self,
        account: &NewAccount,
        id: Option<String>,
    ) -> Result<ObservedAccount, String> {
        if let Some(id) = id {
            let read = self
                .read_user(&AccountId::new(id))
                .await
                .map_err(|error| error.message)?;
            return read.ok_or_else(|| "it is not there".to_owned());
        }
        let mark = FindKey::Mark(account.mark.as_str().to_owned());
        let name = FindKey::Username(account.username.clone());
        for key in [mark, name] {
            let found = self.find_users(&key).await.map_err(|error| error.message)?;
            if let [user] = found.as_slice() {
                return Ok(user.clone());
            }
        }
        Err("the answer names no identifier, and no search finds it".to_owned())
    }

    pub(super) async fn update_user(
        &self,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let what = format!("updating user {id}");
        let intent = if changes.username.is_some() {
            Intent::Claim
        } else {
            Intent::Change
        };
        let hopeful = patch::operations(changes, &self.paths, None, self.ways.manager)?;
        if hopeful.is_empty() {
            return Ok(None);
        }
        if self.dialect().patches_users() && self.ways.update == Update::Patch {
            match self.patch_user(id, &hopeful, intent, &what).await {
                Ok(answer) => return Ok(self.shown(id, &answer)),
                Err(failure) if failure.error.kind == ErrorKind::Unsupported => {
                    self.learn(|dialect| dialect.learnt.user_patch_refused = true);
                }
                Err(failure) if failure.had_status(&[400]) => {
                    return self
                        .update_as_it_is(id, changes, &hopeful, failure, &what)
                        .await;
                }
                Err(failure) => return Err(self.confirm_missing(failure).await),
            }
        }
        self.put_user(id, intent, &what, |user| {
            patch::apply(user, changes, &self.paths, self.ways.manager)
        })
        .await
    }

    /// Tries again with operations that fit the record as it is, after a server refused those that
    /// suppose an element to exist.
    async fn update_as_it_is(
        &self,
        id: &AccountId,
        changes: &AttributeChanges,
        hopeful: &[Value],
        refused: Failure,
        what: &str,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let Some(record) = self.record("Users", id.as_str()).await? else {
            return Err(ConnectorError::new(
                ErrorKind::NotFound,
                format!("{what}: the user does not exist"),
            ));
        };
        let fitting =
            patch::operations(changes, &self.paths, Some(&record.json), self.ways.manager)?;
        if fitting == hopeful {
            return Err(refused.into());
        }
        if fitting.is_empty() {
            return Ok(self.as_user(id, &record.json).ok());
        }
        let intent = if changes.username.is_some() {
            Intent::Claim
        } else {
            Intent::Change
        };
        // These operations fit that version and no other.
        let version = self.version(&record.json, record.etag);
        let answer = self
            .patch_version(id, &fitting, version.as_deref(), intent, what)
            .await?;
        Ok(self.shown(id, &answer))
    }

    pub(super) async fn switch_user(
        &self,
        id: &AccountId,
        active: bool,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let what = format!(
            "{} user {id}",
            if active { "enabling" } else { "disabling" }
        );
        let operation = patch::switch(active, self.ways.deactivation);
        if let Some(operation) = operation.filter(|_| self.dialect().patches_users()) {
            match self
                .patch_user(id, &[operation], Intent::Change, &what)
                .await
            {
                Ok(answer) => return Ok(self.shown(id, &answer)),
                Err(failure) if failure.error.kind == ErrorKind::Unsupported => {
                    self.learn(|dialect| dialect.learnt.user_patch_refused = true);
                }
                Err(failure) => return Err(self.confirm_missing(failure).await),
            }
        }
        let edit = |user: &mut Value| {
            patch::put(user, "active", Value::Bool(active));
            Ok(())
        };
        self.put_user(id, Intent::Change, &what, edit).await
    }

    /// Reads the record first: what somebody else put there is theirs. Only that version is changed, where the
    /// server looks at versions.
    pub(super) async fn mark_user(
        &self,
        id: &AccountId,
        change: &MarkChange,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let what = format!("{} user {id}", change.doing());
        let Some(record) = self.record("Users", id.as_str()).await? else {
            return Err(ConnectorError::new(
                ErrorKind::NotFound,
                format!("{what}: the user does not exist"),
            ));
        };
        let held = resource::user(&record.json, &self.paths)
            .ok()
            .and_then(|user| user.mark);
        if !change.is_open(&what, held.as_deref())? {
            return Ok(self.as_user(id, &record.json).ok());
        }
        if self.dialect().patches_users() && self.ways.update == Update::Patch {
            let version = self.version(&record.json, record.etag.clone());
            let operations = [patch::mark(change)];
            let patched =
                self.patch_version(id, &operations, version.as_deref(), Intent::Claim, &what);
            match patched.await {
                Ok(answer) => return Ok(self.shown(id, &answer)),
                Err(failure) if failure.error.kind == ErrorKind::Unsupported => {
                    self.learn(|dialect| dialect.learnt.user_patch_refused = true);
                }
                Err(failure) => return Err(self.confirm_missing(failure).await),
            }
        }
        let edit = |user: &mut Value| {
            change.is_open(&what, get(user, "externalId").and_then(Value::as_str))?;
            match change {
                MarkChange::Put(mark) => {
                    patch::put(user, "externalId", Value::from(mark.as_str()));
                }
                MarkChange::Take(_) => patch::take(user, "externalId"),
            }
            Ok(())
        };
        self.put_user(id, Intent::Claim, &what, edit).await
    }

    /// Deletes a record of an endpoint, such as `Users`.
    pub(super) async fn delete_record(
        &self,
        endpoint: &str,
        id: &str,
    ) -> Result<(), ConnectorError> {
        let what = format!("deleting {endpoint}/{id}");
        let request = Request {
            method: Method::DELETE,
            path: &[endpoint, id],
            query: &[],
            body: None,
            if_match: None,
            intent: Intent::Change,
            what: &what,
        };
        match self.transport.send(request).await {
            Ok(_) => Ok(()),
            Err(failure) => match self.confirm_missing(failure).await {
                error if error.kind == ErrorKind::NotFound => Ok(()),
                error => Err(error),
            },
        }
    }

    pub(super) async fn patch_user(
        &self,
        id: &AccountId,
        operations: &[Value],
        intent: Intent,
        what: &str,
    ) -> Result<Answer, Failure> {
        // It says what shall be, whatever else the record holds: no version is asked for.
        self.patch_version(id, operations, None, intent, what).await
    }

    async fn patch_version(
        &self,
        id: &AccountId,
        operations: &[Value],
        version: Option<&str>,
        intent: Intent,
        what: &str,
    ) -> Result<Answer, Failure> {
        let body = patch::request(operations, self.ways.operation_case);
        let request = Request {
            method: Method::PATCH,
            path: &["Users", id.as_str()],
            query: &[],
            body: Some(&body),
            if_match: version,
            intent,
            what,
        };
        self.transport.send(request).await
    }

    /// Reads a user whole, edits it and puts it back, with everything that isn't ours.
    pub(super) async fn put_user(
        &self,
        id: &AccountId,
        intent: Intent,
        what: &str,
        edit: impl FnOnce(&mut Value) -> Result<(), ConnectorError> + Send,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let Some(record) = self.record("Users", id.as_str()).await? else {
            return Err(ConnectorError::new(
                ErrorKind::NotFound,
                format!("{what}: the user does not exist"),
            ));
        };
        let mut user = record.json.clone();
        edit(&mut user)?;
        if user == record.json {
            return Ok(self.as_user(id, &user).ok());
        }
        let answer = self
            .put_back(&["Users", id.as_str()], user, record.etag, intent, what)
            .await?;
        Ok(self.shown(id, &answer))
    }

    /// The account, where an answer shows it.
    fn shown(&self, id: &AccountId, answer: &Answer) -> Option<ObservedAccount> {
        answer
            .json
            .as_ref()
            .and_then(|json| self.as_user(id, json).ok())
    }

    fn as_user(&self, id: &AccountId, json: &Value) -> Result<ObservedAccount, String> {
        let user = resource::user(json, &self.paths)?;
        if user.id == *id {
            Ok(user)
        } else {
            Err(format!(
                "the answer shows another record, {}",
                self.transport.clean(user.id.as_str())
            ))
        }
    }
}

/// How a record found by a key relates to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    /// It has that key.
    Exact,
    /// Its key differs in case only, as a server may compare without case.
    Loose,
    /// It has another key.
    None,
}

fn matches(user: &ObservedAccount, key: &FindKey) -> Match {
    match key {
        FindKey::Mark(mark) => match user.mark.as_deref() {
            Some(held) if held == mark => Match::Exact,
            Some(held) if held.to_lowercase() == mark.to_lowercase() => Match::Loose,
            _ => Match::None,
        },
        FindKey::Username(name) if user.username == *name => Match::Exact,
        FindKey::Username(_) => Match::None,
    }
}

/// The last segment of an address, decoded.
fn last_segment(location: &str) -> Option<String> {
    // The base only completes a relative address; the host is never connected to.
    let base = url::Url::parse("http://relative.invalid/").ok()?;
    let url = base.join(location).ok()?;
    let segment = url.path_segments()?.rfind(|segment| !segment.is_empty())?;
    let decoded = url::form_urlencoded::parse(segment.replace('+', "%2B").as_bytes())
        .next()?
        .0
        .into_owned();
    resource::is_addressable(&decoded).then_some(decoded)
}
