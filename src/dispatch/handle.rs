//! Starting dispatch for one target, and speaking to it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::actor::{Actor, Calls, Command};
use super::caller::Caller;
use super::decide::Core;
use super::door::{Door, Passwords};
use super::metrics::DispatchMetrics;
use super::order::{ConnectorKey, Order, Report};
use super::passwords::PasswordKeeper;
use super::record::Recorder;
use super::settings::Settings;
use crate::audit::AuditSink;
use crate::connectors::SharedConnector;
use crate::domain::ids::EmployeeId;
use crate::runtime::clock::Clock;

/// One target, and the run of it that is about to start.
pub struct Target {
    /// The protocol client.
    pub connector: SharedConnector,
    /// Whose reports these are.
    pub key: ConnectorKey,
    /// Which run of that connector it is.
    pub epoch: u64,
}

/// What all targets share.
#[derive(Clone)]
pub struct Shared {
    /// Where reports go.
    pub reports: mpsc::UnboundedSender<Report>,
    /// Where every write is recorded.
    pub audit: Arc<dyn AuditSink>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Where the passwords of new accounts are kept.
    pub passwords: Arc<dyn PasswordKeeper>,
    /// What is counted.
    pub metrics: DispatchMetrics,
    /// Stops all targets.
    pub stop: CancellationToken,
}

/// Starts dispatch.
#[derive(Debug)]
pub struct Dispatch;

/// Speaks to a running dispatch. Nothing here waits, except [`Handle::stopped`]. Dispatch stops when
/// its last handle is dropped.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    stop: CancellationToken,
    stopped: CancellationToken,
}

impl Dispatch {
    /// Starts dispatch for one target, in the surrounding tokio runtime: a probe first, then a
    /// listing, then orders.
    ///
    /// An earlier run of the same connector must have [stopped](Handle::stopped) before, or its last
    /// writes could go unseen by the first listing of this one.
    #[must_use]
    pub fn start(target: Target, settings: Settings, shared: Shared) -> Handle {
        let Target {
            connector,
            key,
            epoch,
        } = target;
        let (sender, commands) = mpsc::unbounded_channel();
        let metrics = shared.metrics.of(&key);
        let recorder = Recorder {
            key: key.clone(),
            audit: shared.audit,
            clock: shared.clock.clone(),
            metrics: metrics.clone(),
        };
        let passwords = settings.passwords.clone().map(|policy| Passwords {
            keeper: shared.passwords,
            policy,
        });
        let timeout = settings.call_timeout;
        let door = Door::new(connector.clone(), recorder, passwords, timeout, epoch);
        let stop = shared.stop.child_token();
        let stopped = CancellationToken::new();
        let now = tokio::time::Instant::now().into_std();
        let actor = Actor {
            core: Core::new(&settings, now, &mut fastrand::Rng::new()),
            caller: Arc::new(Caller::new(connector, door, metrics, &settings)),
            clock: shared.clock,
            commands,
            reports: shared.reports,
            key,
            epoch,
            stop: stop.clone(),
            settings,
            calls: Calls::default(),
        };
        let guard = stopped.clone().drop_guard();
        tokio::spawn(async move {
            actor.run().await;
            drop(guard);
        });
        Handle {
            commands: sender,
            stop,
            stopped,
        }
    }
}

#[cfg(test)]
impl Handle {
    /// A handle whose commands go to a test, in place of a target.
    pub(crate) fn to_test() -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (commands, told) = mpsc::unbounded_channel();
        let stopped = CancellationToken::new();
        stopped.cancel();
        let handle = Self {
            commands,
            stop: CancellationToken::new(),
            stopped,
        };
        (handle, told)
    }
}

impl Handle {
    /// Submits an order. It replaces one for the same employee that was not sent yet. Forgotten if
    /// dispatch has stopped.
    pub fn submit(&self, order: Order) {
        self.command(Command::Submit(Box::new(order)));
    }

    /// Forgets what was ordered for an employee, as far as it was not sent.
    pub fn withdraw(&self, employee: &EmployeeId) {
        self.command(Command::Withdraw(employee.clone()));
    }

    /// Asks for a listing now; if one is under way, for another right after it.
    pub fn refresh(&self) {
        self.command(Command::Refresh);
    }

    /// Forgets what was ordered for everyone, as far as it was not sent.
    pub fn withdraw_all(&self) {
        self.command(Command::WithdrawAll);
    }

    /// Tries the target now, whatever is waited for: a probe, a listing, then orders.
    pub fn try_now(&self) {
        self.command(Command::TryNow);
    }

    /// Begins to stop: waiting orders are forgotten, writes in flight get a bounded time to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until dispatch has stopped, for whatever reason, and no call is in flight.
    pub async fn stopped(&self) {
        self.stopped.cancelled().await;
    }

    fn command(&self, command: Command) {
        // It has stopped, and whoever stopped it knows.
        let _ = self.commands.send(command);
    }
}
