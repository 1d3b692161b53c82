//! How urgent a step is, and why it is taken.

use super::super::operation::{Lane, Operation};
use super::super::parts::Step;
use super::context::Context;
use crate::domain::ids::RoleName;
use crate::domain::lifecycle::Stage;

/// One step of a plan.
pub(super) fn step(operation: Operation, lane: Lane, cause: String) -> Step {
    Step {
        operation,
        lane,
        cause,
    }
}

impl Context<'_> {
    pub(super) fn addition_lane(&self) -> Lane {
        if self.inputs.record.has_history() {
            Lane::Mover
        } else {
            Lane::Joiner
        }
    }

    pub(super) fn end_lane(&self) -> Lane {
        if self.inputs.desired.lifecycle.stage.is_urgent_end() {
            Lane::Leaver
        } else {
            Lane::Mover
        }
    }

    pub(super) fn end_or_addition_lane(&self) -> Lane {
        if self.goal.provides() {
            self.addition_lane()
        } else {
            self.end_lane()
        }
    }

    pub(super) fn end_cause(&self) -> String {
        match self.inputs.desired.lifecycle.stage {
            _ if self.inputs.desired.deleting => "the Employee object is being deleted".to_owned(),
            Stage::Departed | Stage::Retired => "the last day is over".to_owned(),
            Stage::Suspended => "spec.employment is Suspended".to_owned(),
            Stage::OnLeave => "spec.employment is OnLeave".to_owned(),
            Stage::Upcoming | Stage::Preboarding => "the first day has not come".to_owned(),
            Stage::Active => "no role gives this account any more".to_owned(),
        }
    }

    pub(super) fn role_cause(&self) -> String {
        let roles: Vec<&str> = self
            .desired
            .iter()
            .flat_map(|d| &d.roles)
            .map(RoleName::as_str)
            .collect();
        format!("roles {}", roles.join(", "))
    }
}
