//! User names that a target refused.

use super::Context;
use crate::domain::ids::Username;

/// How many names are tried where the target refuses one that it shows nobody to have.
pub(super) const UNEXPLAINED: u32 = 3;

impl Context<'_> {
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
        if let Some(names) = self.names.as_deref_mut() {
            names.allocated.remove(username);
            names.refused.insert(username.clone());
        }
        if let Some(record) = self.person.record.accounts.get_mut(self.connector) {
            record.username = None;
        }
    }
}
