//! Every decision of dispatch about one target, without I/O and without a clock.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::batch::Gatherer;
use super::blame::Blame;
use super::breaker::Breaker;
use super::call::{Call, Ended, Route};
use super::listings::Listings;
use super::member::{Batch, Finished};
use super::order::{Effect, Event, Order, Outcome};
use super::outcomes::Outcomes;
use super::pace::Pace;
use super::proof::Proof;
use super::queue::{Placed, Queue, Returned};
use super::settings::Settings;
use crate::connectors::{ConnectorError, ErrorKind, Listing};
use crate::domain::account::Completeness;
use crate::domain::ids::EmployeeId;
use crate::plan::operation::{Lane, Operation};

/// The present, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) wall: Timestamp,
}

impl Now {
    fn wall_at(&self, instant: Instant) -> Timestamp {
        let ahead = instant.saturating_duration_since(self.instant);
        jiff::SignedDuration::try_from(ahead)
            .ok()
            .and_then(|ahead| self.wall.checked_add(ahead).ok())
            .unwrap_or(Timestamp::MAX)
    }
}

/// Pure state of one target. Orders and ended calls go in; calls to make and events come out.
pub(super) struct Core {
    queue: Queue,
    gatherer: Gatherer,
    pace: Pace,
    breaker: Breaker,
    listings: Listings,
    slots_taken: usize,
    /// When the rate allows the next request, where it was the rate that stopped the last attempt.
    leave_at: Option<Instant>,
    /// Whether the controllers were last told that the target does not work.
    told_unavailable: bool,
    stopping: bool,
    events: Vec<Event>,
    outcomes: Outcomes,
    proof: Proof,
}

impl Core {
    pub(super) fn new(settings: &Settings, now: Instant, rng: &mut fastrand::Rng) -> Self {
        Self {
            queue: Queue::default(),
            gatherer: Gatherer::new(settings.membership_batch, settings.linger),
            pace: Pace::new(
                now,
                settings.concurrency,
                settings.requests_per_second,
                rng.fork(),
            ),
            breaker: Breaker::new(now, rng.fork()),
            listings: Listings::new(now, settings.interval, rng.fork()),
            slots_taken: 0,
            leave_at: None,
            told_unavailable: false,
            stopping: false,
            events: Vec::new(),
            outcomes: Outcomes::default(),
            proof: Proof::default(),
        }
    }

    /// Takes an order in.
    pub(super) fn submit(&mut self, order: Order, now: Now) {
        if self.stopping || !self.outcomes.were_known_to(&order) {
            return;
        }
        let employee = order.employee.clone();
        self.queue.submit(order);
        self.give_up_unsent(&employee, now);
    }

    /// Forgets a person's orders as far as they were not sent.
    pub(super) fn withdraw(&mut self, employee: &EmployeeId, now: Now) {
        self.queue.withdraw(employee);
        self.give_up_unsent(employee, now);
    }

    /// Asks for a listing now.
    pub(super) fn refresh(&mut self, now: Now) {
        self.listings.ask(now.instant);
    }

    /// Ends every wait of the target as a whole: it is probed and listed now.
    pub(super) fn try_now(&mut self, now: Now) {
        self.pace.end_pause();
        self.breaker.try_now(now.instant);
        self.listings.ask(now.instant);
    }

    /// Lets nothing more begin, and forgets what waits.
    pub(super) fn stop(&mut self, now: Now) {
        self.stopping = true;
        self.withdraw_all(now);
    }

    /// Forgets everyone's orders as far as they were not sent.
    pub(super) fn withdraw_all(&mut self, now: Now) {
        for employee in self.queue.withdraw_all() {
            self.give_up_unsent(&employee, now);
        }
    }

    /// The next call to make now, if there is one.
    pub(super) fn next_call(&mut self, now: Now) -> Option<Call> {
        self.leave_at = None;
        if self.stopping || self.pace.paused(now.instant).is_some() {
            return None;
        }
        if self.breaker.begin_trial(now.instant) {
            self.pace.charge(1);
            return Some(Call::Probe);
        }
        if !self.breaker.is_closed() {
            return None;
        }
        if self.listings.due().is_some_and(|due| due <= now.instant) {
            self.take_leave(now)?;
            self.listings.begin();
            self.gatherer.listing_begins();
            self.events.push(Event::ListingStarted);
            return Some(Call::List);
        }
        if self.listings.ever() {
            self.next_operation(now)
        } else {
            None
        }
    }

    /// When to ask for the next call again, if nothing else happens before.
    pub(super) fn wake(&self, now: Now) -> Option<Instant> {
        if self.stopping {
            return None;
        }
        if let Some(until) = self.pace.paused(now.instant) {
            return Some(until);
        }
        if !self.breaker.is_closed() {
            return self.breaker.trial_at();
        }
        // What is due already was held up by something else, which wakes by itself.
        let times = [self.gatherer.wake(), self.listings.due(), self.leave_at];
        times
            .into_iter()
            .flatten()
            .filter(|at| *at > now.instant)
            .min()
    }

    /// Takes in how a call ended that began at `started`.
    pub(super) fn ended(&mut self, ended: Ended, started: Instant, now: Now) {
        if ended.took_slot() {
            self.slots_taken -= 1;
        }
        match ended {
            Ended::Probe(Ok(capabilities)) => {
                if self.breaker.trial_worked(now.instant) {
                    self.listings.ask(now.instant);
                }
                self.events.push(Event::Probed(capabilities));
                self.tell_available();
            }
            Ended::Probe(Err(error)) => {
                let until = self.breaker.trial_failed(now.instant, &error);
                self.tell_unavailable(error, until, now);
            }
            Ended::List(result) => self.listed(result, started, now),
            Ended::Single(order, result) => {
                let blame = self.note(result.as_ref().err(), started, now);
                self.single_ended(order, result, blame);
            }
            Ended::Create(creation, result) => {
                let blame = self.note(result.as_ref().err(), started, now);
                if blame == Blame::Unclear {
                    self.listings.ask(now.instant);
                }
                let finished = self.gatherer.created(&creation.name, result, now.instant);
                self.finish(finished);
            }
            Ended::Change(change, answer) => {
                let results = change.results(&answer);
                if answer.is_err_and(|error| error.kind == ErrorKind::NotFound) {
                    self.gatherer.gone(&change.entitlement);
                }
                self.note_all(&results, started, now);
                let change = Arc::unwrap_or_clone(change);
                let finished = self.gatherer.changed(change, results, now.instant);
                self.finish(finished);
            }
        }
    }

    /// What happened since this was asked last.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Orders in a lane, waiting or under way.
    pub(super) fn queue_length(&self, lane: Lane) -> usize {
        self.queue.length(lane)
    }

    /// Calls in flight that take a slot.
    pub(super) fn slots_taken(&self) -> usize {
        self.slots_taken
    }

    fn next_operation(&mut self, now: Now) -> Option<Call> {
        while let Some(placed) = self.queue.begin_members() {
            if let Some(call) = self.begin(placed, now) {
                return Some(call);
            }
        }
        loop {
            let single = self.queue.first_single();
            let create = self.queue.first_create();
            let create = create.filter(|(_, order)| self.proof.lets(order));
            let create = create.map(|(place, _)| place);
            let group = self.gatherer.first(now.instant);
            let place = [single, create, group].into_iter().flatten().min()?;
            // One slot is kept for leavers, so that they never wait for a storm of joiners.
            let reserve = usize::from(place.lane == Lane::Leaver);
            if self.slots_taken >= self.pace.limit() + reserve {
                return None;
            }
            self.take_leave(now)?;
            let call = if single == Some(place) {
                let placed = self.queue.begin_single()?;
                self.begin(placed, now)
            } else if create == Some(place) {
                let placed = self.queue.begin_create()?;
                self.proof.begins();
                self.begin(placed, now)
            } else {
                self.gatherer.begin(now.instant).map(|batch| match batch {
                    Batch::Create(creation) => self.send(Call::Create(Arc::new(creation))),
                    Batch::Change(change) => self.send(Call::Change(Arc::new(change))),
                })
            };
            if call.is_some() {
                return call;
            }
        }
    }

    fn begin(&mut self, placed: Placed, now: Now) -> Option<Call> {
        match Route::of(placed) {
            Route::Single(call) => Some(self.send(call)),
            Route::Members(members) => {
                let finished = self.gatherer.admit(members, now.instant);
                self.finish(finished);
                None
            }
        }
    }

    fn send(&mut self, call: Call) -> Call {
        self.slots_taken += 1;
        self.pace.charge(call.requests() - 1);
        call
    }

    fn take_leave(&mut self, now: Now) -> Option<()> {
        match self.pace.take(now.instant) {
            Ok(()) => Some(()),
            Err(again) => {
                self.leave_at = Some(again);
                None
            }
        }
    }

    fn give_up_unsent(&mut self, employee: &EmployeeId, now: Now) {
        let finished = self.gatherer.withdraw(employee, now.instant);
        self.finish(finished);
    }

    fn finish(&mut self, finished: impl IntoIterator<Item = Finished>) {
        for Finished { order, effect } in finished {
            if let Some(effect) = effect {
                self.queue.ended(&order.employee);
                self.done(order, Ok(effect));
            } else {
                self.queue.gave_up(&order.employee);
            }
        }
    }

    fn single_ended(
        &mut self,
        order: Arc<Order>,
        result: Result<Effect, ConnectorError>,
        blame: Blame,
    ) {
        if matches!(order.operation, Operation::Create(_)) {
            self.proof.ended(&order, &result, self.outcomes.next());
        }
        if blame.not_carried_out() {
            match self.queue.returned(&order.employee, blame) {
                Returned::Waits | Returned::Unwanted => return,
                Returned::TooOften => {}
            }
        } else {
            self.queue.ended(&order.employee);
        }
        self.done(order, result);
    }

    fn listed(&mut self, result: Result<Listing, ConnectorError>, started: Instant, now: Now) {
        let readable = |of: &Completeness| !matches!(of, Completeness::Unreadable(_));
        let well = result
            .as_ref()
            .is_ok_and(|l| readable(&l.accounts_completeness));
        self.listings.ended(now.instant, well);
        let error = result.as_ref().err().cloned();
        self.events.push(match result {
            Ok(listing) => {
                // What comes after it waits for the rate that its pages have used up.
                let lasted = now.instant.saturating_duration_since(started);
                self.pace.charge_listing(listing.requests, lasted);
                self.gatherer.seen(
                    &listing.entitlements,
                    listing.entitlements_completeness.is_complete(),
                );
                Event::Listed(Box::new(listing))
            }
            Err(error) => Event::ListingFailed(error),
        });
        self.note(error.as_ref(), started, now);
    }

    /// Draws from the results of one call what they say of the target, once for each thing said.
    fn note_all(&mut self, results: &[Result<(), ConnectorError>], started: Instant, now: Now) {
        let blames = results.iter().map(|r| r.as_ref().err());
        let errors = || blames.clone().flatten();
        let bad = [
            errors().find(|error| error.asks_for_quiet()),
            errors().find(|error| Blame::of(error) == Blame::Outage),
        ];
        for error in bad.into_iter().flatten() {
            self.note(Some(error), started, now);
        }
        let works =
            |error: Option<&ConnectorError>| error.is_none_or(|e| Blame::of(e) == Blame::Works);
        if bad == [None, None] && blames.clone().any(works) {
            self.note(None, started, now);
        }
    }

    /// Draws from one answer what it says of the target as a whole.
    fn note(&mut self, error: Option<&ConnectorError>, started: Instant, now: Now) -> Blame {
        let blame = error.map_or(Blame::Works, Blame::of);
        match (blame, error) {
            (Blame::Throttle | Blame::Unclear, Some(error)) if error.asks_for_quiet() => {
                if let Some(until) = self.pace.throttled(started, now.instant, error) {
                    self.tell_unavailable(error.clone(), until, now);
                }
            }
            (Blame::Outage, Some(error)) => {
                if let Some(until) = self.breaker.failed(started, now.instant, error) {
                    self.tell_unavailable(error.clone(), until, now);
                }
            }
            (Blame::Works, _) => {
                self.breaker.worked();
                if self.pace.worked(started) && self.breaker.is_closed() {
                    self.tell_available();
                }
            }
            (Blame::Unclear | Blame::Throttle | Blame::Outage, _) => {}
        }
        blame
    }

    fn tell_unavailable(&mut self, error: ConnectorError, until: Instant, now: Now) {
        self.told_unavailable = true;
        let retry_at = now.wall_at(until);
        self.events.push(Event::Unavailable { error, retry_at });
    }

    fn tell_available(&mut self) {
        if std::mem::take(&mut self.told_unavailable) {
            self.events.push(Event::Available);
        }
    }

    fn done(&mut self, order: Arc<Order>, result: Result<Effect, ConnectorError>) {
        let order = Arc::unwrap_or_clone(order);
        let number = self.outcomes.count(&order.employee);
        self.events.push(Event::Done(Box::new(Outcome {
            order,
            result,
            number,
        })));
    }
}
