//! An account that was there before was taken over, or let go of.

use super::{Context, MARK_NOT_KEPT};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::dispatch::order::Order;
use crate::domain::account::ObservedAccount;
use crate::domain::ids::AccountId;
use crate::domain::mark::Mark;

impl Context<'_> {
    /// Our mark was put on an account. It is believed where the answer shows it, else after a direct read.
    pub(super) fn adopted(
        &mut self,
        shown: Option<ObservedAccount>,
        id: &AccountId,
        mark: &Mark,
        order: &Order,
    ) {
        match shown {
            Some(account) if mark.is_kept_as(account.mark.as_deref()) => {
                self.succeeded(order);
                self.shown_as(account, id);
            }
            Some(account) => {
                let message = format!(
                    "the application accepted our mark for the account {}, and does not show it: let it store the mark",
                    account.id
                );
                let error = ConnectorError::new(ErrorKind::Invalid, message);
                self.note("Adopt", None, MARK_NOT_KEPT, &error);
                self.shown_as(account, id);
            }
            None => match self.believed("Adopt", None, "put our mark on the account") {
                Ok(()) => {
                    self.succeeded(order);
                    self.inventory.wrote_mark(id, Some(mark));
                    self.doubt();
                }
                Err(error) => self.note_failure("Adopt", None, &error),
            },
        }
    }

    /// Our mark was taken off an account, which is nothing of this person's any more.
    pub(super) fn disowned(
        &mut self,
        shown: Option<ObservedAccount>,
        id: &AccountId,
        order: &Order,
    ) {
        let still = shown
            .as_ref()
            .is_some_and(|account| self.scope.employee(account.mark.as_deref()).is_some());
        let told = match &shown {
            Some(_) if still => {
                let message = format!(
                    "the application accepted to take our mark off {id}, and still shows it: take it off there"
                );
                Err(ConnectorError::new(ErrorKind::Ignored, message))
            }
            Some(_) => Ok(()),
            None => self.believed("Disown", None, "take our mark off the account"),
        };
        match told {
            Ok(()) => self.succeeded(order),
            Err(error) => {
                self.note_failure("Disown", None, &error);
                return;
            }
        }
        self.person.record.accounts.remove(self.connector);
        match shown {
            Some(account) => self.shown_as(account, id),
            None => self.inventory.wrote_mark(id, None),
        }
    }

    /// Lays the account in as it is shown, also where the mark is a part of what identifies it.
    fn shown_as(&mut self, account: ObservedAccount, id: &AccountId) {
        if account.id != *id {
            self.inventory.saw_absent(id);
        }
        self.inventory.saw(account, false);
    }
}
