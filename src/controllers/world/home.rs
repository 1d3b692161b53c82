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
    /// Where they were, where that is known: an object that was made anew does not tell.
    pub from: Option<TargetKey>,
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
    /// marks. At least half of them say that it is the same accounts, also at another address.
    pub fn look(
        &mut self,
        target: &TargetKey,
        recorded: usize,
        found: usize,
        answer: Option<&str>,
    ) -> Looked {
        let confirmed = answer == Some(&*answer_to(self.known.as_ref(), target));
        let before = self.moved.is_some();
        let is_known = self.known.as_ref() == Some(target);
        // What was recorded when it moved counts: nothing is forgotten meanwhile.
        let recorded = self
            .moved
            .as_ref()
            .map_or(recorded, |moved| moved.recorded.max(recorded));
        let asks = !is_known && !confirmed && found * 2 < recorded;
        self.moved = asks.then(|| Moved {
            from: self.known.clone(),
            to: target.clone(),
            recorded,
            found,
        });
        let settled = if asks || is_known {
            None
        } else {
            let before = self.known.replace(target.clone());
            before.map(|_| {
                if found * 2 < recorded {
                    Settled::Anew
                } else {
                    Settled::CameAlong
                }
            })
        };
        Looked {
            turned: before != self.moved.is_some(),
            settled,
        }
    }
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Whether there is a question now where there was none, or none any more.
    pub turned: bool,
    /// Whether the application is another one, or at another address, from now on.
    pub settled: Option<Settled>,
}

/// How a connector came to lead elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The accounts are there.
    CameAlong,
    /// Nobody has an account there yet, as somebody confirmed.
    Anew,
}

/// What says that everybody is to get an account in the application that a connector leads to now. It names where
/// they were as well, so that it answers no later question.
fn answer_to(from: Option<&TargetKey>, to: &TargetKey) -> String {
    match from {
        Some(from) => format!("{} -> {}", from.0, to.0),
        None => to.0.to_string(),
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
            self.from
                .as_ref()
                .map_or("another application, or it was emptied", |from| &*from.0),
            crate::api::CONFIRM_TARGET_ANNOTATION,
            answer_to(self.from.as_ref(), &self.to)
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
        let looked = home.look(&key("new"), 10, 5, None);
        assert_eq!(
            (looked.turned, looked.settled),
            (false, Some(Settled::CameAlong))
        );
        assert_eq!(home.target(), Some(&key("new")));
        // Where nothing is known yet and all is there, or nobody has an account, there is nothing to be asked.
        for (mut home, recorded, found) in [
            (Home::default(), 10, 10),
            (Home::default(), 0, 0),
            (Home::told(Some("old")), 0, 0),
        ] {
            assert!(!home.look(&key("new"), recorded, found, None).turned);
            assert_eq!(home.target(), Some(&key("new")));
        }
    }

    #[test]
    fn those_that_did_not_raise_one_until_it_is_answered() {
        let mut home = Home::told(Some("old"));
        assert!(home.look(&key("new"), 10, 4, None).turned);
        let forgetful = home.look(&key("new"), 0, 0, None);
        assert_eq!(
            (forgetful.turned, forgetful.settled),
            (false, None),
            "forgetting is no answer"
        );
        assert_eq!(home.target(), Some(&key("old")), "a restart asks again");
        let question = home.moved().unwrap().told("directory");
        assert!(
            question.contains("0 of 10") && question.contains("='old -> new'"),
            "{question}"
        );
        let mut confirmed = Home::told(Some("old"));
        confirmed.look(&key("new"), 10, 4, None);
        let looked = confirmed.look(&key("new"), 10, 4, Some("old -> new"));
        assert_eq!((looked.turned, looked.settled), (true, Some(Settled::Anew)));
        assert_eq!(confirmed.target(), Some(&key("new")));
        // It answers that question, and no other.
        for (from, to) in [("new", "old"), ("third", "new")] {
            let mut later = Home::told(Some(from));
            assert!(later.look(&key(to), 10, 0, Some("old -> new")).turned);
        }
        // Pointed back.
        let back = home.look(&key("old"), 10, 0, None);
        assert_eq!((back.turned, back.settled), (true, None));
        assert_eq!((home.target(), home.moved()), (Some(&key("old")), None));
    }

    #[test]
    fn an_object_that_was_made_anew_asks_as_well() {
        let mut home = Home::default();
        assert!(home.look(&key("new"), 10, 0, None).turned);
        let question = home.moved().unwrap().told("directory");
        assert!(question.contains("or it was emptied"), "{question}");
        assert!(home.look(&key("new"), 10, 0, Some("new")).turned);
        assert_eq!(home.target(), Some(&key("new")));
    }
}
