//! A clock that was ahead and is right again. What was done by it, as for those whose last day seemed to be over, is looked
//! at anew; and nothing waits until times that seemed near.

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use crate::controllers::world::{ConnectorEntry, Person};

/// A clock is corrected by less all the time.
const BACK: SignedDuration = SignedDuration::from_mins(1);

impl Engine {
    /// Looks at everybody again where the clock went back.
    pub(super) fn notice_clock(&mut self) {
        let now = self.ports.clock.now();
        let back = self.latest.duration_since(now);
        if back <= BACK {
            self.latest = self.latest.max(now);
            return;
        }
        tracing::warn!(
            seconds = back.as_secs(),
            "the clock went back; everybody is looked at again"
        );
        self.latest = now;
        let now = self.now();
        for realm in self.world.realms.values_mut() {
            realm.people.values_mut().for_each(|p| try_again(p, now));
            let connectors = realm.connectors.values_mut();
            connectors.for_each(|entry| try_again_with_orphans(entry, now));
        }
        self.queue.wait_for_nothing();
        let namespaces: Vec<_> = self.world.realms.keys().cloned().collect();
        for namespace in namespaces {
            self.look_at_everyone(&namespace);
            self.summaries(&namespace);
        }
    }
}

fn try_again(person: &mut Person, now: Timestamp) {
    let matters = person.unsettled.there().into_iter();
    for failure in matters.flat_map(|matters| matters.failures.values_mut()) {
        failure.retry_at = failure.retry_at.min(now);
    }
}

fn try_again_with_orphans(entry: &mut ConnectorEntry, now: Timestamp) {
    let matters = entry.orphan_work.matters.values_mut();
    for failure in matters.filter_map(|matter| matter.failure.as_mut()) {
        failure.retry_at = failure.retry_at.min(now);
    }
}
