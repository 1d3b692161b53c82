//! Somebody asks for a look now, by a text in an annotation. A text that was handled asks for nothing.

use std::collections::BTreeSet;

use crate::domain::ids::ConnectorName;

/// What was asked of one object, and what was handled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    handled: Option<Box<str>>,
    asked: Option<Box<Asked>>,
}

/// A look that was asked for and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The text that asks.
    pub text: Box<str>,
    /// Of an Employee: connectors whose account has to be read directly yet.
    pub unread: BTreeSet<ConnectorName>,
    /// Of an `AppConnector`: whether a listing has begun since.
    pub listing: bool,
}

impl Request {
    /// As an earlier run left it.
    #[must_use]
    pub fn after(handled: Option<&str>) -> Self {
        Self {
            handled: handled.map(Box::from),
            asked: None,
        }
    }

    /// Takes note of what an object asks for. Answers whether that is something new.
    pub fn hear(&mut self, text: Option<&str>) -> bool {
        let Some(text) = text else {
            return false;
        };
        let newest = self.asked.as_ref().map(|asked| &asked.text);
        if newest
            .or(self.handled.as_ref())
            .is_some_and(|t| **t == *text)
        {
            return false;
        }
        self.asked = Some(Box::new(Asked {
            text: text.into(),
            unread: BTreeSet::new(),
            listing: false,
        }));
        true
    }

    /// What is asked for now.
    #[must_use]
    pub fn asked(&self) -> Option<&Asked> {
        self.asked.as_deref()
    }

    /// Of an Employee: connectors whose account has to be read directly.
    #[must_use]
    pub fn unread(&self) -> &BTreeSet<ConnectorName> {
        static NONE: BTreeSet<ConnectorName> = BTreeSet::new();
        self.asked.as_ref().map_or(&NONE, |asked| &asked.unread)
    }

    /// What is asked for now, to be changed.
    pub fn asked_mut(&mut self) -> Option<&mut Asked> {
        self.asked.as_deref_mut()
    }

    /// A listing begins. One that began before somebody asked may have passed what they want seen.
    pub fn listing_begins(&mut self) {
        if let Some(asked) = self.asked_mut() {
            asked.listing = true;
        }
    }

    /// A listing ended, well or not.
    pub fn listing_ended(&mut self) {
        if self.asked().is_some_and(|asked| asked.listing) {
            self.settle();
        }
    }

    /// What was asked for is done.
    pub fn settle(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.handled = Some(asked.text);
        }
    }

    /// The text that was handled last, for a status.
    #[must_use]
    pub fn handled(&self) -> Option<String> {
        self.handled.as_deref().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_asks_once_also_after_a_restart() {
        let mut request = Request::default();
        assert!(!request.hear(None));
        assert!(request.hear(Some("now")));
        assert!(!request.hear(Some("now")), "it is under way");
        assert_eq!(request.handled(), None);
        request.settle();
        assert!(!request.hear(Some("now")), "it was handled");
        assert!(!request.hear(None), "taken off");
        assert_eq!(request.handled().as_deref(), Some("now"));
        let mut restarted = Request::after(request.handled().as_deref());
        assert!(!restarted.hear(Some("now")));
        assert!(restarted.hear(Some("again")));
        assert!(restarted.hear(Some("and again")), "the newest counts");
        restarted.settle();
        assert_eq!(restarted.handled().as_deref(), Some("and again"));
    }
}
