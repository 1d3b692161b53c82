//! One connector, as the controllers know it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Followed, Home, Meta, OrphanWork, Request, TargetKey, Tracked};
use crate::api::{AppConnectorSpec, AppConnectorStatus};
use crate::connectors::{Capabilities, ConnectorError};
use crate::controllers::app_connector::intake;
use crate::controllers::first_seen::FirstSeen;
use crate::controllers::gate;
use crate::dispatch::Handle;
use crate::dispatch::inventory::Inventory;
use crate::domain::ids::{AccountId, ConnectorName};
use crate::domain::mark::Scope;
use crate::domain::offboarding::Abilities;
use crate::domain::policy;
use crate::domain::problem::Problem;
use crate::domain::record::RecordedAccount;
use crate::plan::guard::{Approval, Gate};

/// One AppConnector object.
#[derive(Debug)]
pub struct ConnectorEntry {
    /// Of the object.
    pub meta: Meta,
    /// As written; `None` where the object can't even be read.
    pub spec: Option<Arc<AppConnectorSpec>>,
    /// Compiled.
    pub compiled: Option<Arc<policy::Connector>>,
    /// Why it can't be used, or what it waits for.
    pub problems: Vec<Problem>,
    /// Secrets that were asked for when it was opened last.
    pub secrets: BTreeSet<String>,
    /// Which application it is.
    pub target: Option<TargetKey>,
    /// Which application the accounts are in, and whether it is another one now.
    pub home: Home,
    /// Entitlements that manifests name, by identifier.
    pub followed: Followed,
    /// The running dispatch, while there is one.
    pub running: Option<Running>,
    /// What the target showed.
    pub inventory: Inventory,
    /// What the target can do.
    pub capabilities: Option<Capabilities>,
    /// What it can do about the accounts of those who leave, as it said last.
    pub able: Option<Abilities>,
    /// Why the target as a whole fails, and when it is tried again.
    pub unavailable: Option<(ConnectorError, Timestamp)>,
    /// Why the last listing failed.
    pub listing_failed: Option<ConnectorError>,
    /// Records that the last listing could not make sense of.
    pub oddities: Vec<String>,
    /// The account that was made and did not keep our mark. While it stands, none is made: each would
    /// be one that nobody knows again.
    pub mark_dropped: Option<AccountId>,
    /// Since when accounts are there that nobody declared.
    pub orphans: FirstSeen<AccountId>,
    /// What is being done with them.
    pub orphan_work: OrphanWork,
    /// What may be taken away, and what waits until somebody approves it.
    pub gate: Gate,
    /// When something else was held than before, last.
    pub held_changed_at: Option<Timestamp>,
    /// Statuses on their way, and what was let through that each tells of.
    pub saving: BTreeMap<u64, BTreeSet<u128>>,
    /// The approval that was used last, when, and for how many people.
    pub approved_last: Option<(Approval, Timestamp, usize)>,
    /// Its status.
    pub status: Tracked<AppConnectorStatus>,
    /// A look that somebody asks for.
    pub request: Request,
}

impl ConnectorEntry {
    /// A connector of which only the object is known.
    #[must_use]
    pub fn new(meta: Meta, scope: Scope, gate: Gate, status: &AppConnectorStatus) -> Self {
        let handled = status.last_handled_reconcile_at.as_deref();
        Self {
            request: Request::after(handled),
            meta,
            spec: None,
            compiled: None,
            problems: Vec::new(),
            secrets: BTreeSet::new(),
            target: None,
            home: Home::told(status.target.as_deref()),
            followed: Followed::told(&status.entitlements),
            running: None,
            inventory: Inventory::new(scope),
            capabilities: None,
            able: None,
            unavailable: None,
            listing_failed: None,
            oddities: Vec::new(),
            mark_dropped: None,
            orphans: FirstSeen::listed(
                status
                    .orphaned_accounts
                    .iter()
                    .map(|orphan| (AccountId::new(&orphan.account_id), orphan.since.0)),
                status.orphans,
            ),
            orphan_work: OrphanWork::told(&status.orphaned_accounts),
            gate,
            held_changed_at: None,
            saving: BTreeMap::new(),
            approved_last: gate::last_approval(status.guard.as_ref()),
            status: Tracked::new(status),
        }
    }

    /// What was seen in another application says nothing of the accounts of this one, whatever they are called.
    pub fn forget_orphans(&mut self) {
        self.orphans = FirstSeen::default();
        self.orphan_work.kept.clear();
        for matter in self.orphan_work.matters.values_mut() {
            matter.begin_anew();
        }
    }

    /// Compiles what is written, by what is known of the application.
    pub fn compile(&mut self, name: &ConnectorName) {
        let spec = self.spec.as_deref();
        self.compiled = spec.map(|spec| intake::compile(name, spec, self.able.as_ref()));
        let rules = self.compiled.iter().flat_map(|compiled| &compiled.matching);
        let attributes = rules.filter_map(|(attribute, _)| attribute.clone());
        self.inventory.find_by(attributes.collect());
    }

    /// The application said what it can do. Tells whether that changes what may be done there.
    pub fn probed(&mut self, name: &ConnectorName, capabilities: Capabilities) -> bool {
        let able = Some(Abilities {
            disable: capabilities.disable,
            rename: capabilities.rename,
            revokes: capabilities.revokes.clone(),
            ownership: capabilities.ownership,
            delete: capabilities.delete,
        });
        self.capabilities = Some(capabilities);
        let changes = self.able != able;
        self.able = able;
        let limits = |entry: &Self| {
            let spec = entry.compiled.as_ref().map(|c| &c.spec);
            let refuses = spec.is_some_and(|s| s.no_accounts.is_some());
            let early = spec.is_some_and(|s| s.preboarding.cannot_disable);
            (refuses, early, spec.map(|s| (s.renaming, s.leaver.asks())))
        };
        let before = limits(self);
        if changes {
            self.compile(name);
        }
        before != limits(self)
    }

    /// After a restart: an account that we are linked to is there without a mark, and none at all bears
    /// ours. Then the application drops marks, and one more account would be one too many. Where any mark
    /// is kept, somebody has taken off that one by hand; and where the account has another name than the
    /// recorded one, it is somebody else's, in another application.
    pub fn recall_dropped_mark<'a>(&mut self, records: impl Iterator<Item = &'a RecordedAccount>) {
        if self.mark_dropped.is_none() && self.inventory.marked() == 0 {
            let mut linked = records.filter_map(|record| {
                let account = self.inventory.by_id(record.id.as_ref()?)?;
                let same = record.username.as_ref() == Some(&account.username);
                (same && self.inventory.is_unmarked(account)).then(|| account.id.clone())
            });
            self.mark_dropped = linked.next();
        }
    }

    /// Which run is under way, if one is.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.running.as_ref().map(|running| running.epoch)
    }

    /// What was listed may show that the application keeps marks after all: the account in question bears
    /// one of ours now, or somebody has deleted it. Tells whether that changed anything.
    pub fn may_keep_marks_again(&mut self) -> bool {
        let keeps = self.mark_dropped.as_ref().is_some_and(|id| {
            self.inventory.by_id(id).map_or_else(
                || self.inventory.accounts_completeness().is_complete(),
                |account| self.inventory.is_ours(account),
            )
        });
        if keeps {
            self.mark_dropped = None;
        }
        keeps
    }

    /// Whether the first listing since the start is under way, and nothing speaks against its ending
    /// well.
    #[must_use]
    pub fn awaits_first_listing(&self) -> bool {
        self.running.is_some()
            && !self.inventory.is_readable()
            && self.unavailable.is_none()
            && self.listing_failed.is_none()
    }
}

/// A running dispatch.
#[derive(Debug)]
pub struct Running {
    /// To submit to it.
    pub handle: Handle,
    /// Which run it is.
    pub epoch: u64,
    /// Number of the last outcome of this run that was taken in.
    pub knows: u64,
    /// What it was started from: a change of spec or credential starts another.
    pub fingerprint: [u8; 32],
}
