//! From an AppConnector object, as written, to its compiled part of the policy.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::api::AppConnectorSpec;
use crate::api::app_connector::{
    Adopt as Written, Credentials, EntitlementLimit, Guard, Leaver, LetterCase, Manager, Matching,
    MissingEntitlement, Mode, OnLeave, OrphanPolicy as Orphaned, Orphans, ThenAccount,
    TransferOwnershipTo, USERNAME, UntilStart as Until, UsernameChanges, UsernameRules,
    WhichOrphans,
};
use crate::api::duration;
use crate::connectors::registry;
use crate::domain::credentials::CredentialKind;
use crate::domain::guard::{GuardPolicy, Limits};
use crate::domain::ids::{AttributeName, ConnectorName, EmployeeName};
use crate::domain::limits::LimitSpec;
use crate::domain::offboarding::{Abilities, LeaverPolicy};
use crate::domain::orphans::{Consequence, Exception, OrphanPolicy};
use crate::domain::policy::{Adopt, Connector, ConnectorSpec, MatchingSpec};
use crate::domain::preparation::{Preboarding, UntilStart};
use crate::domain::problem::Problem;
use crate::domain::usernames::{Renaming, Rules};

/// Shortest time between two listings.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Compiles a connector. Faults are kept in it. What the application can do is known once it has answered.
#[must_use]
pub fn compile(
    name: &ConnectorName,
    spec: &AppConnectorSpec,
    able: Option<&Abilities>,
) -> Arc<Connector> {
    let mut faults = Vec::new();
    let cannot_disable = able.is_some_and(|able| !able.disable);
    let unsaid = cannot_disable && spec.leaver.instead_of_disable.is_none();
    let no_accounts = unsaid.then(|| {
        Problem::edit(
            "CannotDisable",
            "the application can't disable accounts, so that nobody who leaves would be shut out: say how it can, where the protocol has a way; or say in spec.leaver.insteadOfDisable what to do instead (Report: somebody closes them by hand)",
        )
    });
    let hold = checked("spec.moves.hold", &spec.moves.hold, &mut faults);
    let leaver = leaver(&spec.leaver, able, &mut faults);
    let interval = checked("spec.sync.interval", &spec.sync.interval, &mut faults);
    let timeout = checked("spec.sync.timeout", &spec.sync.timeout, &mut faults);
    for (field, value) in [
        ("spec.sync.interval", interval),
        ("spec.sync.timeout", timeout),
    ] {
        if value < MIN_INTERVAL {
            faults.push(Problem::edit(
                "TooShort",
                format!("{field} must be at least 1s"),
            ));
        }
    }
    Arc::new(Connector::compile(ConnectorSpec {
        name: name.clone(),
        usernames: spec.account.username.clone(),
        rules: rules(&spec.account.username_rules),
        renaming: match spec.account.username_changes {
            UsernameChanges::Never => Renaming::Never,
            UsernameChanges::Follow if able.is_some_and(|able| !able.rename) => {
                Renaming::NotPossible
            }
            UsernameChanges::Follow => Renaming::Follow,
        },
        attributes: spec
            .account
            .attributes
            .iter()
            .map(|(name, source)| (AttributeName::new(name), source.0.clone()))
            .collect(),
        manager: match spec.account.manager {
            Manager::Unmanaged => None,
            Manager::FromManagerRef => registry::manager_attribute(spec),
        },
        no_accounts,
        purpose: spec.account.purpose.clone(),
        matching: matching(&spec.matching),
        preboarding: Preboarding {
            days: spec.joiner.days_before_start,
            accounts: match spec.joiner.until_start {
                Until::Disabled => UntilStart::Disabled,
                Until::Enabled => UntilStart::Enabled,
            },
            cannot_disable,
        },
        usable_on_leave: spec.on_leave == OnLeave::Keep,
        leaver,
        create_entitlements: spec.entitlements.missing == MissingEntitlement::Create,
        limits: spec.entitlements.limits.iter().map(limit).collect(),
        own_account: registry::own_account(spec),
        protected_accounts: spec.protected.accounts.clone(),
        protected_entitlements: spec.protected.entitlements.clone(),
        orphans: orphans(&spec.orphans, &mut faults),
        authoritative: spec.entitlements.authoritative.clone(),
        hold: SignedDuration::try_from(hold).unwrap_or(SignedDuration::MAX),
        guard: guard(&spec.guard, &mut faults),
        dry_run: spec.mode == Mode::DryRun,
        faults,
    }))
}

fn leaver(written: &Leaver, able: Option<&Abilities>, faults: &mut Vec<Problem>) -> LeaverPolicy {
    let retain = checked("spec.leaver.retain", &written.retain, faults);
    let kind = |kind: &Credentials| match kind {
        Credentials::Sessions => CredentialKind::Sessions,
        Credentials::Tokens => CredentialKind::Tokens,
        Credentials::Keys => CredentialKind::Keys,
        Credentials::Passwords => CredentialKind::Passwords,
    };
    LeaverPolicy {
        revoke: written.revoke.iter().map(kind).collect(),
        transfer: written.transfer_ownership_to == TransferOwnershipTo::Manager,
        fallback: written
            .fallback_owner
            .as_ref()
            .map(|owner| EmployeeName::new(&owner.name)),
        retain: SignedDuration::try_from(retain).unwrap_or(SignedDuration::MAX),
        delete: written.then == ThenAccount::Delete,
        able: able.cloned(),
    }
}

fn limit(written: &EntitlementLimit) -> LimitSpec {
    let types = written.only_types.as_ref();
    LimitSpec {
        entitlement: written.entitlement.clone(),
        max_holders: written
            .max_holders
            .map(|max| usize::try_from(max).unwrap_or(usize::MAX)),
        only_types: types.map(|types| types.iter().map(|kind| Arc::from(kind.as_str())).collect()),
    }
}

fn guard(written: &Guard, faults: &mut Vec<Problem>) -> GuardPolicy {
    let window = checked("spec.guard.window", &written.window, faults);
    let limits = |most, percent| Limits {
        most,
        percent,
        always: written.always_allowed,
    };
    GuardPolicy {
        changes: limits(written.max_removals, written.max_percent),
        leavers: limits(written.leavers.max_removals, written.leavers.max_percent),
        privileged: written.privileged.entitlements.clone(),
        privileged_most: written.privileged.max_removals,
        window: SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX),
    }
}

fn orphans(written: &Orphans, faults: &mut Vec<Problem>) -> OrphanPolicy {
    let mut time = |field, text| {
        let time = checked(field, text, faults);
        SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
    };
    let after = time("spec.orphans.after", &written.after);
    let retain = time("spec.orphans.retain", &written.retain);
    let exceptions = written.exceptions.iter().map(|exception| Exception {
        username: exception.username.clone(),
        reason: exception.reason.clone(),
        // What can't be read is refused by the schema; it spares for ever what it should spare for a time.
        until: exception.until.as_ref().and_then(|day| day.parse().ok()),
    });
    OrphanPolicy {
        consequence: match written.policy {
            Orphaned::Report => Consequence::Report,
            Orphaned::Disable => Consequence::Disable,
            Orphaned::Delete => Consequence::Delete,
        },
        undeclared_too: written.which == WhichOrphans::All,
        after,
        retain,
        ignore: written.ignore.clone(),
        exceptions: exceptions.collect(),
    }
}

fn checked(field: &str, text: &str, faults: &mut Vec<Problem>) -> Duration {
    duration::parse(text).unwrap_or_else(|wrong| {
        faults.push(Problem::edit("NotADuration", format!("{field}: {wrong}")));
        MIN_INTERVAL
    })
}

fn matching(written: &Matching) -> MatchingSpec {
    let rules = written.rules.iter().map(|rule| {
        let attribute = Some(&rule.attribute).filter(|name| *name != USERNAME);
        (attribute.map(AttributeName::new), rule.equals.0.clone())
    });
    MatchingSpec {
        rules: rules.collect(),
        adopt: match written.adopt {
            Written::Never => Adopt::Never,
            Written::WhenUnique => Adopt::WhenUnique,
            Written::WhenListed => Adopt::WhenListed,
        },
        listed: written.listed.clone(),
    }
}

fn rules(written: &UsernameRules) -> Rules {
    Rules {
        punctuation: written
            .allowed_punctuation
            .chars()
            .filter(char::is_ascii_punctuation)
            .collect::<BTreeSet<char>>(),
        max_length: usize::from(written.max_length),
        preserve_case: written.letter_case == LetterCase::Preserve,
    }
}
