//! A trap on the way to a target: at a request of a kind the operator is killed (SIGKILL), right before the target
//! gets it, or right after it was carried out and before the operator hears of that.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::namespace::Namespace;
use super::operator::OperatorProcess;
use super::process::kill;
use super::wire_proxy::Fate;

/// Whether a request is the one, by what it asks for.
type IsIt = dyn Fn(&str) -> bool + Send;

/// One trap, which may lie on the ways to several targets.
#[derive(Default)]
pub struct Trap {
    set: Mutex<Option<(Box<IsIt>, When)>>,
    operator: AtomicU32,
}

/// When the operator is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the request reaches the target.
    Before,
    /// After it was carried out.
    After,
}

impl Trap {
    /// One that is not set.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn sprung(&self, what: &str) -> Option<When> {
        let mut set = self.set.lock().unwrap();
        set.take_if(|(is_it, _)| is_it(what)).map(|(_, when)| when)
    }

    /// What becomes of a request.
    pub fn fate(&self, what: &str) -> Fate {
        let operator = self.operator.load(Ordering::SeqCst);
        match self.sprung(what) {
            None => Fate::Pass,
            Some(When::Before) => {
                kill(operator);
                Fate::Refuse
            }
            Some(When::After) => Fate::LoseAfter(Box::new(move || kill(operator))),
        }
    }

    /// Runs the operator until it has gone into the trap, at a request that is the one.
    pub async fn catches(
        &self,
        namespace: &Namespace,
        when: When,
        is_it: impl Fn(&str) -> bool + Send + 'static,
    ) {
        *self.set.lock().unwrap() = Some((Box::new(is_it), when));
        // It may be killed before it says that it is ready.
        let mut operator = OperatorProcess::launch_in(namespace);
        self.operator.store(operator.id(), Ordering::SeqCst);
        operator.ended().await;
        let is_set = self.set.lock().unwrap().is_some();
        assert!(!is_set, "{}", operator.log());
    }
}
