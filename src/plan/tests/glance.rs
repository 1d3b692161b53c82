//! What a town shows of a person, to whom asks whose an account is.

use super::target::Target;
use super::town::Town;
use crate::domain::account::ObservedAccount;
use crate::domain::adoption::is_meant;
use crate::domain::cel::Subject;
use crate::domain::clues::{self, Clue};
use crate::domain::facts::Facts;
use crate::domain::ids::{AccountId, ConnectorName, EmployeeId, Username};
use crate::domain::mark::Marking;
use crate::domain::policy::Connector;
use crate::domain::whose::Sight;

/// What one target shows of one person.
pub(super) struct Glance<'a> {
    pub(super) town: &'a Town,
    pub(super) id: &'a EmployeeId,
    pub(super) connector: &'a Connector,
    pub(super) target: &'a Target,
    pub(super) linked: Option<AccountId>,
}

impl<'a> Sight<'a> for Glance<'a> {
    fn marked(&self) -> Vec<&'a ObservedAccount> {
        let mark = self.town.scope.mark(self.id);
        let seen = self.target.seen();
        seen.filter(|a| a.mark.as_deref() == Some(mark.as_str()))
            .collect()
    }

    fn linked(&self) -> Option<&'a ObservedAccount> {
        let account = self.target.accounts.get(self.linked.as_ref()?)?;
        Some(account).filter(|a| self.target.is_seen(&a.id))
    }

    fn meant_by(&self, said: &str) -> Vec<&'a ObservedAccount> {
        let name = Username::new(said);
        let seen = self.target.seen();
        seen.filter(|a| a.username == name || a.id.as_str() == said)
            .collect()
    }

    fn candidates(&self, clue: &Clue) -> Vec<&'a ObservedAccount> {
        let nobodys =
            |a: &&ObservedAccount| self.town.scope.read(a.mark.as_deref()) == Marking::None;
        let fits = |a: &&ObservedAccount| match &clue.attribute {
            Some(attribute) => clues::values(a, attribute).any(|value| value == clue.value),
            None => a.username == Username::new(&clue.value),
        };
        self.target.seen().filter(nobodys).filter(fits).collect()
    }

    fn rivals(&self, account: &ObservedAccount) -> Vec<&'a EmployeeId> {
        self.others(account, |facts| {
            let clues = clues::of(self.connector, &Subject::new(facts)).all;
            let names = facts
                .link(&self.connector.spec.name)
                .and_then(|l| l.account.as_deref());
            clues.iter().any(|clue| clues::fits(clue, account))
                || names.is_some_and(|said| is_meant(said, account))
        })
    }

    fn namers(&self, account: &ObservedAccount) -> Vec<&'a EmployeeId> {
        self.others(account, |facts| {
            let names = facts
                .link(&self.connector.spec.name)
                .and_then(|l| l.account.as_deref());
            names.is_some_and(|said| is_meant(said, account))
        })
    }

    /// In the model each target has one connector.
    fn elsewhere(&self, _: &ObservedAccount, _: bool) -> Vec<&'a ConnectorName> {
        Vec::new()
    }
}

impl<'a> Glance<'a> {
    fn others(
        &self,
        account: &ObservedAccount,
        fits: impl Fn(&Facts) -> bool,
    ) -> Vec<&'a EmployeeId> {
        let others = self
            .town
            .people
            .values()
            .filter(|f| f.employee_id != *self.id);
        let rivals = others.filter(|facts| {
            let link = facts.link(&self.connector.spec.name);
            let disowned =
                link.is_some_and(|l| l.disowns(Some(&account.id), Some(&account.username)));
            !disowned && fits(facts)
        });
        rivals.map(|facts| &facts.employee_id).collect()
    }
}
