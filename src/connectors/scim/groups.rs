//! Groups: read and create.

use std::ops::ControlFlow;

use reqwest::Method;
use serde_json::json;

use super::ScimConnector;
use super::accounts::Record;
use super::failure::Intent;
use super::filter::equals;
use super::path::GROUP_SCHEMA;
use super::resource::{self, GroupView};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::account::ObservedEntitlement;
use crate::domain::ids::{EntitlementId, EntitlementName};

/// A group, as it was read.
pub(super) struct GroupRecord {
    pub view: GroupView,
    pub record: Record,
}

impl ScimConnector {
    pub(super) async fn read_group(
        &self,
        id: &EntitlementId,
    ) -> Result<Option<GroupRecord>, ConnectorError> {
        let Some(record) = self.record("Groups", id.as_str()).await? else {
            return Ok(None);
        };
        let view = resource::group(&record.json).map_err(|why| {
            ConnectorError::new(ErrorKind::Nonsense, format!("reading group {id}: {why}"))
        })?;
        self.note_repeats(&view);
        Ok(Some(GroupRecord { view, record }))
    }

    pub(super) fn note_repeats(&self, view: &GroupView) {
        if view.repeats {
            self.learn(|dialect| dialect.learnt.repeats_members = true);
        }
    }

    /// Makes a group, unless there is one of that name: many servers accept a second one, and a lost
    /// answer would otherwise leave two.
    pub(super) async fn create_group(
        &self,
        name: &EntitlementName,
    ) -> Result<ObservedEntitlement, ConnectorError> {
        if let Some(existing) = self.existing_group(name).await? {
            return Ok(existing);
        }
        let what = format!("creating group {name}");
        let body = json!({"schemas": [GROUP_SCHEMA], "displayName": name.as_str()});
        let taken = match self
            .write(Method::POST, &["Groups"], &body, Intent::Claim, &what)
            .await
        {
            Ok(answer) => {
                if let Some(Ok(view)) = answer.json.as_ref().map(resource::group) {
                    return Ok(view.entitlement);
                }
                ConnectorError::new(
                    ErrorKind::OutcomeUnknown,
                    format!("{what}: the server accepted it, but does not show it"),
                )
            }
            Err(failure) if failure.error.kind == ErrorKind::Taken => failure.into(),
            Err(failure) => return Err(failure.into()),
        };
        self.existing_group(name).await?.ok_or(taken)
    }

    /// A group that was taken to be missing. Its members are looked at before any is added: they may be
    /// there already.
    async fn existing_group(
        &self,
        name: &EntitlementName,
    ) -> Result<Option<ObservedEntitlement>, ConnectorError> {
        let found = self.group_named(name).await?;
        if let Some(group) = &found {
            self.doubt(&group.id);
        }
        Ok(found)
    }

    /// The one group of a name, by filter where that works, else by looking at all of them.
    async fn group_named(
        &self,
        name: &EntitlementName,
    ) -> Result<Option<ObservedEntitlement>, ConnectorError> {
        let filter = equals("displayName", name.as_str());
        let mut filtered = None;
        if self.dialect().filters() {
            filtered = match self.groups_named(name, Some(&filter)).await {
                Ok(found) => Some(found),
                Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Unsupported) => {
                    None
                }
                Err(error) => return Err(error),
            };
        }
        let found = match filtered {
            Some(found) if !found.is_empty() => found,
            // Nothing found proves nothing where filters compare in ways of their own.
            _ => self.groups_named(name, None).await?,
        };
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            several => Err(ConnectorError::new(
                ErrorKind::Taken,
                format!(
                    "{} groups are called {name}; rename all but one of them",
                    several.len()
                ),
            )),
        }
    }

    async fn groups_named(
        &self,
        name: &EntitlementName,
        filter: Option<&str>,
    ) -> Result<Vec<ObservedEntitlement>, ConnectorError> {
        let mut found = Vec::new();
        let completeness = self
            .walk("Groups", filter, &mut 0, |row| {
                if let Ok(view) = resource::group(row)
                    && view.entitlement.name == *name
                {
                    found.push(view.entitlement);
                }
                ControlFlow::Continue(())
            })
            .await?;
        if found.is_empty() && !completeness.is_complete() {
            return Err(ConnectorError::new(
                ErrorKind::Nonsense,
                format!("looking for group {name}: the list is incomplete"),
            ));
        }
        Ok(found)
    }
}
