//! Makes one call: reads directly, writes through the door.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::bounded::bounded;
use super::call::{Call, Ended};
use super::door::Door;
use super::metrics::ConnectorMetrics;
use super::order::Effect;
use super::settings::Settings;
use crate::connectors::{ConnectorError, ErrorKind, FindKey, SharedConnector};
use crate::domain::account::ObservedAccount;
use crate::plan::operation::ReadKey;

/// Everything needed to call one target.
pub(super) struct Caller {
    pub(super) connector: SharedConnector,
    pub(super) door: Door,
    pub(super) metrics: ConnectorMetrics,
    call_timeout: Duration,
    listing_timeout: Duration,
}

impl Caller {
    pub(super) fn new(
        connector: SharedConnector,
        door: Door,
        metrics: ConnectorMetrics,
        settings: &Settings,
    ) -> Self {
        Self {
            connector,
            door,
            metrics,
            call_timeout: settings.call_timeout,
            listing_timeout: settings.listing_timeout,
        }
    }

    /// Makes the call. Ends in bounded time, whatever the connector does.
    pub(super) async fn call(&self, call: &Call) -> Ended {
        match call {
            Call::Probe => Ended::Probe(self.read_bounded(self.connector.probe()).await),
            Call::List => {
                let began = Instant::now();
                let listing = self.connector.list();
                let result = bounded(self.listing_timeout, ErrorKind::Unreachable, listing).await;
                self.metrics.listed(began.elapsed());
                Ended::List(result)
            }
            Call::Read(order, key) => {
                let result = self.read(key).await;
                Ended::Single(order.clone(), result.map(Effect::Read))
            }
            Call::Write(order, write) => {
                Ended::Single(order.clone(), self.door.write(order, write).await)
            }
            Call::Create(creation) => {
                let result = self.door.create_entitlement(creation).await;
                Ended::Create(Arc::clone(creation), result)
            }
            Call::Change(change) => {
                Ended::Change(Arc::clone(change), self.door.change_holders(change).await)
            }
        }
    }

    /// Reads one account. Where its identifier is not known, by mark and, if there is one, by user name,
    /// as each finds what the other can't: an account of ours under another name, one of that name
    /// without our mark.
    async fn read(&self, key: &ReadKey) -> Result<Vec<ObservedAccount>, ConnectorError> {
        let (mark, username) = match key {
            ReadKey::Id(id) => {
                let found = self.read_bounded(self.connector.read(id)).await?;
                return Ok(found.into_iter().collect());
            }
            ReadKey::MarkOrUsername(mark, username) => (mark, username),
        };
        let mark = FindKey::Mark(mark.as_str().to_owned());
        let mut found = self.read_bounded(self.connector.find(&mark)).await?;
        let Some(username) = username else {
            return Ok(found);
        };
        let username = FindKey::Username(username.clone());
        for account in self.read_bounded(self.connector.find(&username)).await? {
            if found.iter().all(|other| other.id != account.id) {
                found.push(account);
            }
        }
        Ok(found)
    }

    async fn read_bounded<T>(
        &self,
        call: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        bounded(self.call_timeout, ErrorKind::Unreachable, call).await
    }
}
