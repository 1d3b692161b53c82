//! Which outcomes the controllers may not know of yet.

use std::collections::HashMap;

use super::order::Order;
use crate::domain::ids::EmployeeId;

/// Employees remembered before those that everyone knows of are forgotten.
const REMEMBERED: usize = 1024;

/// Numbers the outcomes of one run, and remembers the last one of each employee.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    last: u64,
    of: HashMap<EmployeeId, u64>,
    forget_at: usize,
}

impl Outcomes {
    /// Numbers an outcome that is about to be reported.
    pub(super) fn count(&mut self, employee: &EmployeeId) -> u64 {
        self.last += 1;
        self.of.insert(employee.clone(), self.last);
        self.last
    }

    /// The number that the next outcome will have.
    pub(super) fn next(&self) -> u64 {
        self.last + 1
    }

    /// Whether the plan that an order is from knew how this employee's last one ended.
    pub(super) fn were_known_to(&mut self, order: &Order) -> bool {
        if self.of.len() > self.forget_at.max(REMEMBERED) {
            self.of.retain(|_, number| *number > order.knows);
            self.forget_at = self.of.len() * 2;
        }
        self.of
            .get(&order.employee)
            .is_none_or(|number| *number <= order.knows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AccountId;
    use crate::plan::operation::{Lane, Operation};

    fn order(employee: &str, knows: u64) -> Order {
        Order {
            employee: employee.into(),
            lane: Lane::Joiner,
            operation: Operation::Enable(AccountId::new("1")),
            revision: 1,
            cause: String::new(),
            knows,
        }
    }

    #[test]
    fn an_order_must_know_the_last_outcome_of_its_own_employee() {
        let mut outcomes = Outcomes::default();
        assert!(outcomes.were_known_to(&order("a", 0)));
        assert_eq!(outcomes.count(&"a".into()), 1);
        assert_eq!(outcomes.count(&"b".into()), 2);
        assert!(!outcomes.were_known_to(&order("a", 0)));
        assert!(outcomes.were_known_to(&order("a", 1)));
        assert!(!outcomes.were_known_to(&order("b", 1)));
        assert!(outcomes.were_known_to(&order("c", 0)));
    }

    #[test]
    fn what_everyone_knows_is_forgotten() {
        let mut outcomes = Outcomes::default();
        for n in 0..5_000_u64 {
            let id = EmployeeId::new(n.to_string());
            assert!(outcomes.were_known_to(&order(id.as_str(), n)));
            outcomes.count(&id);
        }
        assert!(outcomes.of.len() <= 2 * REMEMBERED, "{}", outcomes.of.len());
    }
}
