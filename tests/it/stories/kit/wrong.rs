//! What is told of something that can't work.

use super::conditions::tells;

/// What a message says of something wrong: where it stands, why it does not work, and what to do.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Stable reason of the condition.
    pub reason: &'static str,
    /// The field to mend, as it stands in the manifest.
    pub field: &'static str,
    /// The cause, in the words of whoever refuses.
    pub cause: &'static [&'static str],
    /// What to do.
    pub remedy: &'static str,
}

impl Told {
    /// In the order in which they are read.
    pub const fn new(
        reason: &'static str,
        field: &'static str,
        cause: &'static [&'static str],
        remedy: &'static str,
    ) -> Self {
        Self {
            reason,
            field,
            cause,
            remedy,
        }
    }

    /// Fails unless a message says all of it.
    pub fn is_said_in(&self, message: &str) {
        tells(message, &[self.field]);
        tells(message, self.cause);
        tells(message, &[self.remedy]);
    }

    /// The same, and nothing that is secret.
    pub fn is_in(&self, message: &str, secret: &str) {
        self.is_said_in(message);
        assert!(!message.contains(secret), "a credential: {message}");
    }
}

/// One thing that is wrong with a connector.
pub struct Wrong {
    /// Name of the connector.
    pub name: &'static str,
    /// Where in its spec, as a JSON pointer.
    pub at: &'static str,
    /// What stands there.
    pub value: serde_json::Value,
    /// What is told.
    pub told: Told,
}

impl Wrong {
    /// In a manifest, else good.
    pub fn put_into(&self, connector: &mut serde_json::Value) {
        let (parent, key) = self.at.rsplit_once('/').unwrap();
        let place = connector["spec"].pointer_mut(parent).unwrap();
        place[key] = self.value.clone();
    }
}

/// One line of a table.
pub fn wrong(name: &'static str, at: &'static str, value: serde_json::Value, told: Told) -> Wrong {
    Wrong {
        name,
        at,
        value,
        told,
    }
}
