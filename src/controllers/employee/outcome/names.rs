//! User names that a target refused.

use super::Context;
use crate::connectors::ConnectorError;
use crate::controllers::world::Refused;
use crate::domain::ids::Username;
use crate::plan::Operation;

/// How many names are tried where the target refuses one that it shows nobody to have.
pub(super) const UNEXPLAINED: u32 = 3;

impl Context<'_> {
    /// The target refuses to rename an account, as something of it is taken. Where that may be the name, the next
    /// one is tried, a few times. Tells whether it is.
    pub(super) fn tries_another_name(
        &mut self,
        operation: &Operation,
        why: &ConnectorError,
    ) -> bool {
        let Operation::Update { changes, .. } = operation else {
            return false;
        };
        // A name that is only put back has no other to take its place.
        let known = self.person.record.accounts.get(self.connector);
        let known = known.and_then(|record| record.username.as_ref());
        let Some(name) = changes
            .username
            .as_ref()
            .filter(|name| Some(*name) != known)
        else {
            return false;
        };
        let taken = &mut self.person.unsettled.name_taken;
        let refused = taken
            .entry(self.connector.clone())
            .or_insert_with(|| Refused {
                error: why.clone(),
                undecided: false,
                unexplained: 0,
            });
        refused.unexplained = refused.unexplained.saturating_add(1);
        if refused.unexplained >= UNEXPLAINED {
            return false;
        }
        self.withhold(name);
        true
    }

    /// The target shows nobody of that name. If it refused the name all the same, somebody may have it
    /// whom we aren't shown; or it is another value that is taken, and no name will help.
    pub(super) fn nobody_has(&mut self, username: &Username) {
        let Some(refused) = self.person.unsettled.name_taken.get_mut(self.connector) else {
            return;
        };
        if !std::mem::take(&mut refused.undecided) {
            return;
        }
        refused.unexplained = refused.unexplained.saturating_add(1);
        if refused.unexplained < UNEXPLAINED {
            self.pass_over(username);
        } else {
            let error = refused.error.clone();
            self.note_failure("Create", None, &error);
        }
    }

    /// Somebody else has the name: the next one is tried.
    pub(super) fn pass_over(&mut self, username: &Username) {
        if let Some(refused) = self.person.unsettled.name_taken.get_mut(self.connector) {
            refused.undecided = false;
        }
        self.withhold(username);
        if let Some(record) = self.person.record.accounts.get_mut(self.connector) {
            record.username = None;
        }
    }

    /// Gives a name to nobody.
    fn withhold(&mut self, username: &Username) {
        if let Some(names) = self.names.as_deref_mut() {
            names.allocated.remove(username);
            names.refused.insert(username.clone());
        }
    }
}
