//! One thing that an administrator is to hear of.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest identifier, in bytes: it travels in headers.
const MAX_ID: usize = 256;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Occasion {
    /// The offboarding of somebody is complete.
    LeaverReport,
    /// It is not, long after the last day.
    LeaverOverdue,
    /// A connector does not work.
    ConnectorTrouble,
    /// There are accounts or credentials that nobody declared, and that were not there before.
    NewOrphans,
    /// Something promised for somebody's first day is missing.
    NotReadyOnDayOne,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::LeaverReport,
        Self::LeaverOverdue,
        Self::ConnectorTrouble,
        Self::NewOrphans,
        Self::NotReadyOnDayOne,
    ];

    /// The word in configuration, messages and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LeaverReport => "LeaverReport",
            Self::LeaverOverdue => "LeaverOverdue",
            Self::ConnectorTrouble => "ConnectorTrouble",
            Self::NewOrphans => "NewOrphans",
            Self::NotReadyOnDayOne => "NotReadyOnDayOne",
        }
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What one event is known by, whoever tells of it and however often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeId(Box<str>);

impl NoticeId {
    /// Made of what tells this event from any other of its kind. The same parts are the same event. What could not
    /// stand in a header is replaced.
    #[must_use]
    pub fn of(occasion: Occasion, parts: &[&str]) -> Self {
        let mut id = occasion.word().to_owned();
        for part in parts {
            id.push('/');
            id.extend(part.chars().map(|c| match c {
                c if c.is_ascii_alphanumeric() || "-._:".contains(c) => c,
                _ => '_',
            }));
        }
        id.truncate(MAX_ID);
        Self(id.into())
    }

    /// As text: letters, digits and `-._:/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What the event is known by.
    pub id: NoticeId,
    /// What it is about.
    pub occasion: Occasion,
    /// One line.
    pub subject: String,
    /// All of it, for people.
    pub text: String,
    /// The same as a page.
    pub html: Option<String>,
    /// The same for programs.
    pub json: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_can_stand_in_a_header() {
        let id = NoticeId::of(
            Occasion::LeaverReport,
            &["people", "ada", "x y\r\nBcc: z@z", "ä"],
        );
        assert_eq!(id.as_str(), "LeaverReport/people/ada/x_y__Bcc:_z_z/_");
        let long = NoticeId::of(Occasion::NewOrphans, &[&"x".repeat(1000)]);
        assert_eq!(long.as_str().len(), MAX_ID);
    }

    #[test]
    fn every_word_is_the_one_of_the_configuration() {
        for occasion in Occasion::ALL {
            assert_eq!(serde_json::json!(occasion), occasion.word());
        }
    }
}
