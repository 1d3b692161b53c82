//! What was found wrong, and a trace of what was done, to compare runs by.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Mutex;

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Nobody is active after their last day, nor while suspended.
    Left,
    /// Nobody is without what they should have, once everything is well.
    Served,
    /// Nobody keeps what nothing gives, once everything is well and nothing is held.
    Clean,
    /// No account is touched that is not ours, and nothing of ours that we did not give.
    Ours,
    /// Nothing is removed before what replaces it is there.
    MakeBeforeBreak,
    /// No wave goes past the guard without approval.
    Guard,
    /// Nobody gets both of what is kept apart, nor more people something than may have it.
    Duties,
    /// An account that is nobody's is left alone for its time, and not for ever.
    Nobody,
    /// Nothing is made twice.
    Once,
    /// No secret is shown.
    Secret,
    /// Nothing is written once everything is as it should be.
    Silence,
    /// The operator ends by itself, or does not answer.
    Alive,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub invariant: Invariant,
    pub told: String,
}

#[derive(Default)]
pub struct Findings {
    found: Mutex<Vec<Finding>>,
    trace: Mutex<DefaultHasher>,
    secrets: Mutex<Vec<String>>,
}

impl Findings {
    pub fn report(&self, invariant: Invariant, told: impl Into<String>) {
        let told = told.into();
        self.trace(&format!("FOUND {invariant:?}: {told}"));
        self.found.lock().unwrap().push(Finding { invariant, told });
    }

    pub fn first(&self) -> Option<Finding> {
        self.found.lock().unwrap().first().cloned()
    }

    /// Notes something that happened. Shown with `TALK=1`.
    pub fn trace(&self, line: &str) {
        let mut trace = self.trace.lock().unwrap();
        line.hash(&mut *trace);
        if crate::talkative() {
            println!("{line}");
        }
    }

    pub fn sum(&self) -> u64 {
        self.trace.lock().unwrap().finish()
    }

    /// A text that must be shown nowhere.
    pub fn keep_secret(&self, secret: &str) {
        self.secrets.lock().unwrap().push(secret.to_owned());
    }

    /// Something that people read.
    pub fn shown(&self, place: &str, text: &str) {
        let secrets = self.secrets.lock().unwrap();
        if secrets.iter().any(|secret| text.contains(secret.as_str())) {
            drop(secrets);
            self.report(Invariant::Secret, format!("{place} shows a secret: {text}"));
        }
    }
}
