//! The task that drives one target: hands what happens to the core, and makes the calls it asks for.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::bounded::broken;
use super::call::{Call, Ended};
use super::caller::Caller;
use super::decide::{Core, Now};
use super::order::{ConnectorKey, Event, Order, Report};
use super::settings::Settings;
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::ids::EmployeeId;
use crate::runtime::clock::Clock;

/// Commands taken in before the next look at everything else.
const COMMANDS: usize = 256;

/// What a handle asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Submit(Box<Order>),
    Withdraw(EmployeeId),
    WithdrawAll,
    TryNow,
    Refresh,
}

/// A call in flight.
struct InFlight {
    call: Call,
    began: Instant,
    abort: AbortHandle,
}

pub(super) struct Actor {
    pub(super) core: Core,
    pub(super) caller: Arc<Caller>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    pub(super) key: ConnectorKey,
    pub(super) epoch: u64,
    pub(super) stop: CancellationToken,
    pub(super) settings: Settings,
    pub(super) calls: Calls,
}

/// The calls in flight.
#[derive(Default)]
pub(super) struct Calls {
    tasks: JoinSet<Ended>,
    in_flight: HashMap<Id, InFlight>,
}

impl Actor {
    /// Runs until it is stopped, or nobody can give orders or hear reports any more.
    pub(super) async fn run(mut self) {
        let mut commands = Vec::new();
        loop {
            self.make_calls();
            self.report();
            let wake = self.core.wake(self.now());
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                () = self.reports.closed() => break,
                taken = self.commands.recv_many(&mut commands, COMMANDS) => {
                    if taken == 0 {
                        break;
                    }
                    for command in commands.drain(..) {
                        self.obey(command);
                    }
                }
                Some((ended, began)) = self.calls.next() => self.ended(ended, began),
                () = sleep_until(wake) => {}
            }
        }
        self.finish().await;
    }

    fn obey(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Submit(order) => self.core.submit(*order, now),
            Command::Withdraw(employee) => self.core.withdraw(&employee, now),
            Command::WithdrawAll => self.core.withdraw_all(now),
            Command::TryNow => self.core.try_now(now),
            Command::Refresh => self.core.refresh(now),
        }
    }

    fn make_calls(&mut self) {
        while let Some(call) = self.core.next_call(self.now()) {
            self.calls.make(call, &self.caller);
        }
    }

    fn ended(&mut self, ended: Ended, began: Instant) {
        if ended.error().is_some_and(ConnectorError::asks_for_quiet) {
            self.caller.metrics.throttled();
        }
        let now = self.now();
        self.core.ended(ended, began.into_std(), now);
    }

    fn report(&mut self) {
        for event in self.core.take_events() {
            self.send(event);
        }
        let core = &self.core;
        let metrics = &self.caller.metrics;
        metrics.show(core.slots_taken(), |lane| core.queue_length(lane));
    }

    fn send(&self, event: Event) {
        let report = Report {
            connector: self.key.clone(),
            epoch: self.epoch,
            event,
        };
        // Nobody listens any more only when the program ends; the loop notices by itself.
        let _ = self.reports.send(report);
    }

    /// Lets what is in flight end, for a bounded time, and begins nothing more.
    async fn finish(mut self) {
        let now = self.now();
        self.core.stop(now);
        self.calls.abort_reads();
        let grace = tokio::time::sleep(self.settings.grace);
        tokio::pin!(grace);
        loop {
            tokio::select! {
                next = self.calls.next() => match next {
                    Some((ended, began)) => self.ended(ended, began),
                    None => break,
                },
                () = &mut grace => break,
            }
        }
        for (ended, began) in self.calls.cut_off().await {
            self.ended(ended, began);
        }
        for event in self.core.take_events() {
            self.send(event);
        }
        self.caller.metrics.forget();
    }

    fn now(&self) -> Now {
        Now {
            instant: Instant::now().into_std(),
            wall: self.clock.now(),
        }
    }
}

impl Calls {
    fn make(&mut self, call: Call, caller: &Arc<Caller>) {
        let caller = Arc::clone(caller);
        let task = call.clone();
        let abort = self.tasks.spawn(async move { caller.call(&task).await });
        let began = Instant::now();
        let id = abort.id();
        self.in_flight.insert(id, InFlight { call, began, abort });
    }

    /// The next call that ends. `None` when none is in flight.
    async fn next(&mut self) -> Option<(Ended, Instant)> {
        loop {
            let joined = self.tasks.join_next_with_id().await?;
            if let Some(ended) = self.take(joined) {
                return Some(ended);
            }
        }
    }

    fn take(&mut self, joined: Result<(Id, Ended), JoinError>) -> Option<(Ended, Instant)> {
        match joined {
            Ok((id, ended)) => self.in_flight.remove(&id).map(|made| (ended, made.began)),
            Err(error) => {
                let made = self.in_flight.remove(&error.id())?;
                Some((made.call.failed(broken()), made.began))
            }
        }
    }

    /// Reads need not end: nothing comes of them any more.
    fn abort_reads(&mut self) {
        self.in_flight.retain(|_, made| {
            let write = made.call.is_write();
            if !write {
                made.abort.abort();
            }
            write
        });
    }

    /// Ends all that is still in flight, unheard.
    async fn cut_off(&mut self) -> Vec<(Ended, Instant)> {
        self.tasks.shutdown().await;
        let cut = |made: InFlight| {
            let error = ConnectorError::new(
                ErrorKind::OutcomeUnknown,
                "the connector was stopped before the application answered, so what the call did \
                 is not known",
            );
            (made.call.failed(error), made.began)
        };
        self.in_flight.drain().map(|(_, made)| cut(made)).collect()
    }
}

async fn sleep_until(wake: Option<std::time::Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(Instant::from_std(at)).await,
        None => std::future::pending().await,
    }
}
