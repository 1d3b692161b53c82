//! Which application a connector's accounts are in, and whether it is another one than it was.

use super::TargetKey;

/// The application that accounts were last known to be in.
#[derive(Debug, Default)]
pub struct Home {
    known: Option<TargetKey>,
    moved: Option<Moved>,
}

/// The connector leads to another application, and marks don't show that the accounts came along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where they were.
    pub from: TargetKey,
    /// Where it leads now.
    pub to: TargetKey,
    /// People whose account is recorded.
    pub recorded: usize,
    /// Those of them whose mark was found.
    pub found: usize,
}

impl Home {
    /// As an earlier run left it.
    #[must_use]
    pub fn told(target: Option<&str>) -> Self {
        Self {
            known: target.map(|target| TargetKey(target.into())),
            moved: None,
        }
    }

    /// The application, for a status.
    #[must_use]
    pub fn target(&self) -> Option<&TargetKey> {
        self.known.as_ref()
    }

    /// The question that somebody has to answer before anything is done.
    #[must_use]
    pub fn moved(&self) -> Option<&Moved> {
        self.moved.as_ref()
    }

    /// Takes in what a listing of the application shows: of so many people whose account is recorded, so many
    /// marks. At least half of them say that it is the same accounts at another address. Tells whether there is a
    /// question now where there was none, or none any more.
    pub fn look(
        &mut self,
        target: &TargetKey,
        recorded: usize,
        found: usize,
        confirmed: bool,
    ) -> bool {
        let before = self.moved.is_some();
        // What was recorded when it moved counts: nothing is forgotten meanwhile.
        let recorded = self
            .moved
            .as_ref()
            .map_or(recorded, |moved| moved.recorded.max(recorded));
        let from = self.known.clone().filter(|known| known != target);
        self.moved = from
            .filter(|_| !confirmed && found * 2 < recorded)
            .map(|from| Moved {
                from,
                to: target.clone(),
                recorded,
                found,
            });
        if self.moved.is_none() {
            self.known = Some(target.clone());
        }
        before != self.moved.is_some()
    }
}

impl Moved {
    /// The question, and how it is answered.
    #[must_use]
    pub fn told(&self, connector: &str) -> String {
        format!(
            "spec leads to {} now, where {} of {} recorded accounts are found; they were in {}. Nothing is done until somebody says what is meant: point it back; or, if that is a new application in which everybody is to get an account, kubectl annotate --overwrite appconnector {connector} {}='{}'",
            self.to.0,
            self.found,
            self.recorded,
            self.from.0,
            crate::api::CONFIRM_TARGET_ANNOTATION,
            self.to.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> TargetKey {
        TargetKey(name.into())
    }

    #[test]
    fn accounts_that_came_along_raise_no_question() {
        let mut home = Home::told(Some("old"));
        assert!(!home.look(&key("new"), 10, 5, false));
        assert_eq!(home.target(), Some(&key("new")));
        // Where nothing is known yet, or nobody has an account, there is nothing to be asked.
        for (mut home, recorded) in [(Home::default(), 10), (Home::told(Some("old")), 0)] {
            assert!(!home.look(&key("new"), recorded, 0, false));
            assert_eq!(home.target(), Some(&key("new")));
        }
    }

    #[test]
    fn those_that_did_not_raise_one_until_it_is_answered() {
        let mut home = Home::told(Some("old"));
        assert!(home.look(&key("new"), 10, 4, false));
        assert!(
            !home.look(&key("new"), 0, 0, false),
            "forgetting is no answer"
        );
        assert_eq!(home.target(), Some(&key("old")), "a restart asks again");
        let question = home.moved().unwrap().told("directory");
        assert!(
            question.contains("0 of 10") && question.contains("='new'"),
            "{question}"
        );
        let mut confirmed = Home::told(Some("old"));
        confirmed.look(&key("new"), 10, 4, false);
        assert!(confirmed.look(&key("new"), 10, 4, true));
        assert_eq!(confirmed.target(), Some(&key("new")));
        // Pointed back.
        assert!(home.look(&key("old"), 10, 0, false));
        assert_eq!((home.target(), home.moved()), (Some(&key("old")), None));
    }
}
