//! What happens to applications, to the API server, to the clock and to the operator.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::cluster::Health;
use crate::company::APPS;
use crate::history::What;
use crate::world::World;

impl World {
    /// What nobody of the company does.
    pub fn befalls(&mut self, what: &What, now: Timestamp) {
        match *what {
            What::Misapprove { app } => {
                let approval = json!({"metadata": {"annotations":
                    {"rollcall.dev/approved-removals": format!("sha256:{:064x}", self.rng.u128(..))}}});
                self.cluster.apply("appconnectors", APPS[app], &approval);
            }
            What::Mood { app, mood } => self.mood(APPS[app], mood),
            What::Api { health } => self.api(health),
            What::ApiRestart { forgets } => {
                self.cluster.cut_off(forgets);
                self.unwell(None);
                if self.cluster.state().health == Health::Well {
                    self.judge.known_since(Some(now));
                }
            }
            What::ClockJump { seconds } => {
                self.wall.jump(SignedDuration::from_secs(seconds.into()));
                self.unwell(None);
            }
            What::Ahead { hours } => {
                self.wall.jump(SignedDuration::from_hours(hours.into()));
                self.unwell(None);
            }
            What::ByHand {
                app,
                who,
                ref group,
            } => {
                if let Some(id) = self.account_of(APPS[app], who) {
                    let mut state = self.places[APPS[app]].state();
                    state.groups.entry(group.clone()).or_default().insert(id);
                    drop(state);
                    self.by_hand.insert((APPS[app], who), now);
                }
            }
            What::Drift { app, who } => {
                self.drift(APPS[app], who);
                self.unwell(Some(APPS[app]));
            }
            What::Stranger { app } => self.stranger(APPS[app]),
            What::Claimed { app, who } => {
                if let Some(id) = self.account_of(APPS[app], who) {
                    let mut state = self.places[APPS[app]].state();
                    if let Some(account) = state.accounts.get_mut(&id) {
                        account.mark = Some(format!("other/people/{who}"));
                    }
                    self.claimed.insert((APPS[app], who));
                    self.judge.claimed(APPS[app], &id, who);
                }
            }
            What::PutBack { app, days } => {
                let then = self.former.len().checked_sub(days);
                if let Some(former) = then.and_then(|then| self.former.get(then)) {
                    self.places[APPS[app]].state().put_back(&former[APPS[app]]);
                    self.unwell(Some(APPS[app]));
                    self.judge.is_odd(APPS[app]);
                }
            }
            What::Kill | What::Stop => {
                self.up = now;
                self.judge.forgets();
            }
            _ => {}
        }
    }

    fn drift(&mut self, app: &str, who: u32) {
        let Some(id) = self.account_of(app, who) else {
            return;
        };
        let disables = self.rng.bool();
        let mut state = self.places[app].state();
        if disables {
            if let Some(account) = state.accounts.get_mut(&id) {
                account.active = false;
            }
        } else {
            for holders in state.groups.values_mut() {
                holders.remove(&id);
            }
        }
    }
}
