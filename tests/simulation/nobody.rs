//! Accounts that are nobody's, held against what the connector says is to become of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rollcall::runtime::clock::Clock as _;

use crate::application::Account;
use crate::company::{AFTER, LAX, RETAIN, SPARED, number_of};
use crate::findings::Invariant;
use crate::held;
use crate::judge::{Judge, Touch};
use crate::world::World;

/// Attempts come further and further apart.
const SETTLES: SignedDuration = SignedDuration::from_hours(5);

/// Accounts that bear our mark, that nobody is declared to have, and that are to be left in peace.
pub fn spared() -> impl Iterator<Item = Account> {
    SPARED.into_iter().map(|(username, mark)| Account {
        username: username.to_owned(),
        mark: Some(mark.to_owned()),
        active: true,
        attributes: rollcall::domain::account::Attributes::new(),
    })
}

impl Judge {
    /// An account of ours is about to be touched: if it is nobody's, it is left alone for its time, loses nothing but its
    /// use, and is deleted only after it was kept.
    pub fn may_be_nobodys(&self, app: &'static str, id: &str, person: &str, touch: Touch<'_>) {
        let now = self.wall.now();
        let shuts = matches!(touch, Touch::Active(false));
        let shut = self.memory().shut.get(&(app, id.to_owned())).copied();
        if shuts {
            let was_active = self.apps[app].lock().unwrap().accounts[id].active;
            if was_active {
                self.memory().shut.insert((app, id.to_owned()), now);
            }
        }
        if self.cluster.get("employees", person).is_some() {
            return;
        }
        let report = |invariant, what: &str| {
            let told = format!("{app}: {touch:?} of {id} of {person}, {what}");
            self.findings.report(invariant, told);
        };
        let who = number_of(person);
        let gone = who.and_then(|who| Some(self.company().people.get(&who)?.edited));
        let Some(gone) = gone else {
            return report(Invariant::Ours, "which is to be left in peace");
        };
        if app != LAX || !self.is_known(gone) {
            return;
        }
        let since = |at: Timestamp| now.duration_since(at);
        match touch {
            Touch::Active(false) if since(gone) < AFTER => {
                report(Invariant::Nobody, "which was not left alone for its time");
            }
            Touch::Delete if since(gone.max(shut.unwrap_or(gone))) < RETAIN => {
                report(Invariant::Nobody, "which was not kept for its time");
            }
            Touch::Active(false) | Touch::Delete => {}
            _ => report(Invariant::Nobody, "which is nobody's"),
        }
    }
}

/// Since when it is seen in the evening that the object of a person is gone.
pub fn look(world: &mut World) {
    let now = world.wall.now();
    let everybody: Vec<u32> = world.judge.company().people.keys().copied().collect();
    for who in everybody {
        if world.cluster.get("employees", &who.to_string()).is_some() {
            world.gone.remove(&who);
        } else {
            world.gone.entry(who).or_insert(now);
        }
    }
}

/// Nobody signs in for ever with an account that is nobody's.
pub fn evening(world: &World, gone: &BTreeMap<u32, Timestamp>, well: Timestamp, now: Timestamp) {
    let held = held::held(world, LAX);
    let is_held = |name: &String| held.iter().any(|held| held.names.contains(name));
    let state = world.places[LAX].state();
    for (who, since) in gone {
        if now.duration_since(well.max(*since)) <= AFTER + SETTLES {
            continue;
        }
        for id in state.marked(&format!("acme/people/{who}")) {
            let account = &state.accounts[id];
            if account.active && !is_held(&account.username) {
                let told = format!("{LAX}: {id} of {who}, who is gone since {since}, is active");
                world.findings.report(Invariant::Nobody, told);
            }
        }
    }
}
