//! SCIM 2.0 (RFC 7643, RFC 7644), as a client.
//!
//! Reading is lenient, record by record; filters and paths are built strictly. Our mark is the
//! `externalId`. What one server can do, and how it wants things said, is its [`dialect`]: announced
//! by discovery, and corrected by what its answers show.

mod accounts;
mod config;
mod credential;
mod dialect;
mod discovery;
mod empty_groups;
mod failure;
mod filter;
mod groups;
mod json;
mod listing;
mod membership;
mod paging;
mod patch;
mod path;
mod patience;
mod resource;
mod revoking;
mod spec;
mod token;
mod transport;
mod ways;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use reqwest::Method;
use serde_json::Value;

use self::dialect::Dialect;
use self::empty_groups::EmptyGroups;
use self::failure::{Failure, Intent};
use self::path::AttributePath;
use self::transport::{Answer, Request, Transport};
use super::{
    Capabilities, Connector, ConnectorError, ErrorKind, FindKey, HolderChange, HolderResults,
    InitialPassword, Listing, MarkChange, Revocation, WritePermit,
};
use crate::domain::account::{AttributeChanges, NewAccount, ObservedAccount, ObservedEntitlement};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};

pub use self::config::{Auth, ClientAuthentication, OAuth2, ScimConfig};
pub use self::spec::PROTOCOL;
pub use self::ways::{Deactivation, ManagerForm, OperationCase, Update, Ways};

/// One SCIM 2.0 service provider.
#[derive(Debug)]
pub struct ScimConnector {
    transport: Transport,
    paths: Vec<AttributePath>,
    page_size: u32,
    ways: Ways,
    dialect: Mutex<Dialect>,
    /// Groups whose last change got no answer.
    doubtful: Mutex<HashSet<EntitlementId>>,
    /// Groups that were read by themselves and had no members.
    empty: Mutex<EmptyGroups>,
}

impl ScimConnector {
    /// Checks the configuration and prepares the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with a message that names the field: a base URL, credential, CA bundle
    /// or attribute that can't work.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "the credential in it shall not outlive this call at the caller's"
    )]
    pub fn new(config: ScimConfig) -> Result<Self, ConnectorError> {
        if config.page_size == 0 {
            return Err(ConnectorError::new(
                ErrorKind::Invalid,
                "pageSize must be at least 1",
            ));
        }
        let paths = config.paths()?;
        config.ways.check(&paths)?;
        Ok(Self {
            paths,
            transport: Transport::new(&config)?,
            page_size: u32::from(config.page_size).min(config.ways.max_page),
            ways: config.ways,
            dialect: Mutex::default(),
            doubtful: Mutex::default(),
            empty: Mutex::default(),
        })
    }

    fn dialect(&self) -> Dialect {
        *locked(&self.dialect)
    }

    fn learn(&self, lesson: impl FnOnce(&mut Dialect)) {
        lesson(&mut locked(&self.dialect));
    }

    fn in_doubt(&self, group: &EntitlementId) -> bool {
        locked(&self.doubtful).contains(group)
    }

    fn doubt(&self, group: &EntitlementId) {
        locked(&self.doubtful).insert(group.clone());
    }

    fn settled(&self, group: &EntitlementId) {
        locked(&self.doubtful).remove(group);
    }

    async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        what: &str,
    ) -> Result<Answer, Failure> {
        let request = Request {
            method: Method::GET,
            path,
            query,
            body: None,
            if_match: None,
            intent: Intent::Read,
            what,
        };
        self.transport.send(request).await
    }

    async fn write(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
        intent: Intent,
        what: &str,
    ) -> Result<Answer, Failure> {
        let request = Request {
            method,
            path,
            query: &[],
            body: Some(body),
            if_match: None,
            intent,
            what,
        };
        self.transport.send(request).await
    }

    /// The version of a record that was read, where the server honours versions.
    fn version(&self, record: &Value, etag: Option<String>) -> Option<String> {
        let stated = json::get(record, "meta")
            .and_then(|meta| json::get(meta, "version"))
            .and_then(json::text);
        etag.or(stated).filter(|_| self.dialect().announced.etag)
    }

    /// Puts back a whole record that was read before. Where the server honours versions, it must
    /// still be the one that was read.
    async fn put_back(
        &self,
        path: &[&str],
        mut record: Value,
        etag: Option<String>,
        intent: Intent,
        what: &str,
    ) -> Result<Answer, Failure> {
        let version = self.version(&record, etag);
        patch::strip_read_only(&mut record);
        let request = Request {
            method: Method::PUT,
            path,
            query: &[],
            body: Some(&record),
            if_match: version.as_deref(),
            intent,
            what,
        };
        self.transport.send(request).await
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking holder left is a set of facts, each true by itself.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Connector for ScimConnector {
    async fn probe(&self) -> super::Result<Capabilities> {
        self.discover().await
    }

    async fn list(&self) -> super::Result<Listing> {
        self.list_all().await
    }

    async fn read(&self, id: &AccountId) -> super::Result<Option<ObservedAccount>> {
        self.read_user(id).await
    }

    async fn find(&self, key: &FindKey) -> super::Result<Vec<ObservedAccount>> {
        self.find_users(key).await
    }

    async fn create(
        &self,
        _: &WritePermit,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> super::Result<ObservedAccount> {
        self.create_user(account, password).await
    }

    async fn update(
        &self,
        _: &WritePermit,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> super::Result<Option<ObservedAccount>> {
        self.update_user(id, changes).await
    }

    async fn set_active(
        &self,
        _: &WritePermit,
        id: &AccountId,
        active: bool,
    ) -> super::Result<Option<ObservedAccount>> {
        self.switch_user(id, active).await
    }

    async fn set_mark(
        &self,
        _: &WritePermit,
        id: &AccountId,
        change: &MarkChange,
    ) -> super::Result<Option<ObservedAccount>> {
        self.mark_user(id, change).await
    }

    async fn delete(&self, _: &WritePermit, id: &AccountId) -> super::Result<()> {
        self.delete_record("Users", id.as_str()).await
    }

    async fn create_entitlement(
        &self,
        _: &WritePermit,
        name: &EntitlementName,
    ) -> super::Result<ObservedEntitlement> {
        self.create_group(name).await
    }

    async fn delete_entitlement(&self, _: &WritePermit, id: &EntitlementId) -> super::Result<()> {
        self.delete_record("Groups", id.as_str()).await
    }

    async fn change_holders(
        &self,
        _: &WritePermit,
        entitlement: &EntitlementId,
        change: &HolderChange,
    ) -> super::Result<HolderResults> {
        self.change_members(entitlement, change).await
    }

    async fn revoke(
        &self,
        _: &WritePermit,
        id: &AccountId,
        kind: CredentialKind,
    ) -> super::Result<Revocation> {
        self.revoke_credentials(id, kind).await
    }
}
