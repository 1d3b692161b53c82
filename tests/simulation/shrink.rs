//! Makes a history that fails shorter, as long as the same invariant is broken.

use std::time::{Duration, Instant};

use crate::findings::Finding;
use crate::history::History;
use crate::run::{self, Outcome};

struct Shrinker {
    best: History,
    finding: Finding,
    until: Instant,
}

/// The shortest history found within so long, and what it breaks.
pub fn shrink(
    history: &History,
    outcome: &Outcome,
    patience: Duration,
) -> Option<(History, Finding)> {
    let finding = outcome.finding.as_ref()?;
    let mut best = history.clone();
    // What comes after it has no part in it.
    best.days.truncate(outcome.days + 1);
    let mut shrinker = Shrinker {
        best,
        finding: finding.clone(),
        until: Instant::now() + patience,
    };
    loop {
        let before = shrinker.best.clone();
        shrinker.round();
        if shrinker.best == before || Instant::now() > shrinker.until {
            return Some((shrinker.best, shrinker.finding));
        }
    }
}

impl Shrinker {
    /// Takes a shorter history where it fails in the same way.
    fn attempt(&mut self, shorter: History) -> bool {
        if shorter == self.best || Instant::now() > self.until {
            return false;
        }
        let outcome = run::run(&shorter);
        match outcome.finding {
            Some(finding) if finding.invariant == self.finding.invariant => {
                self.best = shorter;
                self.best.days.truncate(outcome.days + 1);
                self.finding = finding;
                true
            }
            _ => false,
        }
    }

    fn round(&mut self) {
        // The beginning goes first, in large pieces.
        let mut piece = self.best.days.len() / 2;
        while piece > 0 {
            let mut from = 0;
            while from + piece < self.best.days.len() {
                let mut shorter = self.best.clone();
                shorter.days.drain(from..from + piece);
                if !self.attempt(shorter) {
                    from += piece;
                }
            }
            piece /= 2;
        }
        self.events();
        for people in [0, 1, 2, 4, 8, 16] {
            let mut shorter = self.best.clone();
            shorter.people = people.min(shorter.people);
            if self.attempt(shorter) {
                break;
            }
        }
    }

    fn events(&mut self) {
        let mut piece = self.best.events().div_ceil(2);
        while piece > 0 {
            let mut from = 0;
            while from < self.best.events() {
                let mut shorter = self.best.clone();
                let mut number = 0;
                for day in &mut shorter.days {
                    day.events.retain(|_| {
                        number += 1;
                        !(from + 1..=from + piece).contains(&number)
                    });
                }
                if !self.attempt(shorter) {
                    from += piece;
                }
            }
            piece /= 2;
        }
    }
}
