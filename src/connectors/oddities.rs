//! Records of a listing that make no sense.

/// Those that are told, at most; the rest is counted.
const MAX_ODDITIES: usize = 50;

/// What made no sense, bounded.
#[derive(Default)]
pub(super) struct Oddities {
    told: Vec<String>,
    count: usize,
}

impl Oddities {
    /// Notes one.
    pub(super) fn note(&mut self, what: String) {
        self.count += 1;
        if self.told.len() < MAX_ODDITIES {
            self.told.push(what);
        }
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// What is told of them.
    pub(super) fn told(mut self) -> Vec<String> {
        let rest = self.count - self.told.len();
        if rest > 0 {
            self.told.push(format!("and {rest} more"));
        }
        self.told
    }
}
