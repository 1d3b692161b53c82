//! The check of operators.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators as op};

use super::check::{Checked, Checker};
use super::error::{CelError, CelReason};
use super::types::{Form, Type};

impl Checker<'_> {
    /// Checks an operator with its operands.
    pub(super) fn operator(
        &mut self,
        part: &IdedExpr,
        call: &CallExpr,
    ) -> Result<Checked, CelError> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (op::CONDITIONAL, [condition, yes, no]) => self.conditional(part, condition, yes, no),
            (op::LOGICAL_AND | op::LOGICAL_OR, [left, right]) => {
                let sides = [self.boolean(left)?, self.boolean(right)?];
                Ok(Checked::made(Type::Bool, &sides))
            }
            (op::LOGICAL_NOT, [operand]) => {
                let operand = self.boolean(operand)?;
                Ok(Checked::made(Type::Bool, &[operand]))
            }
            (op::NEGATE, [operand]) => {
                let checked = self.value(operand)?;
                match checked.of {
                    Type::Int | Type::Double => Ok(Checked::made(checked.of.clone(), &[checked])),
                    other => Err(self.error(
                        CelReason::CelWrongType,
                        operand,
                        format!(
                            "- needs a number, and this is {}: use ! to negate a condition",
                            other.name()
                        ),
                    )),
                }
            }
            (op::INDEX, [container, index]) => self.index(part, container, index),
            (op::IN, [element, container]) => self.membership(part, element, container),
            (name, [left, right]) => {
                let sides = [self.value(left)?, self.value(right)?];
                let of = self.binary(part, name, [left, right], &sides)?;
                Ok(Checked::made(of, &sides))
            }
            (name, _) => Err(self.error_at_token(
                CelReason::CelUnsupported,
                part,
                format!("the operator {} is not offered", spelled(name)),
            )),
        }
    }

    /// Checks a part that must be a condition.
    pub(super) fn boolean(&mut self, part: &IdedExpr) -> Result<Checked, CelError> {
        let checked = self.value(part)?;
        match checked.of {
            Type::Bool => Ok(checked),
            other => Err(self.error(
                CelReason::CelWrongType,
                part,
                format!("a condition is needed, and this is {}: compare it with something, as in x == 'y'", other.name()),
            )),
        }
    }

    fn conditional(
        &mut self,
        part: &IdedExpr,
        condition: &IdedExpr,
        yes: &IdedExpr,
        no: &IdedExpr,
    ) -> Result<Checked, CelError> {
        let condition = self.boolean(condition)?;
        let (yes, no) = (self.value(yes)?, self.value(no)?);
        let of = yes.of.join(&no.of).ok_or_else(|| {
            self.error_at_token(
                CelReason::CelWrongType,
                part,
                format!(
                    "this gives {} or {}: both must be of one type, so convert one, for instance with string()",
                    yes.of.name(),
                    no.of.name()
                ),
            )
        })?;
        let cost = condition
            .cost
            .saturating_add(yes.cost.max(no.cost))
            .saturating_add(1);
        Ok(Checked { of, cost })
    }

    fn index(
        &mut self,
        part: &IdedExpr,
        container: &IdedExpr,
        index: &IdedExpr,
    ) -> Result<Checked, CelError> {
        let held = self.part(container)?;
        if let Type::Record(record) = held.of {
            return Err(self.error_at_token(
                CelReason::CelWrongType,
                part,
                format!(
                    "fields of {0} are selected with a dot: write {0}.department and the like",
                    record.path
                ),
            ));
        }
        let by = self.value(index)?;
        let of = match (&held.of, &by.of) {
            (Type::List { item, .. }, Type::Int) => (**item).clone(),
            (Type::Map { value, .. }, Type::Text { .. }) => (**value).clone(),
            (container, index) => {
                let hint = match container {
                    Type::List { .. } => "a list takes a whole number",
                    Type::Map { .. } => "a map takes a text",
                    Type::Text { .. } => "use charAt() or substring() for parts of a text",
                    _ => "only lists and maps have elements",
                };
                return Err(self.error_at_token(
                    CelReason::CelWrongType,
                    part,
                    format!(
                        "{} can't be indexed with {}: {hint}",
                        container.name(),
                        index.name()
                    ),
                ));
            }
        };
        Ok(Checked::made(of, &[held, by]))
    }

    fn membership(
        &mut self,
        part: &IdedExpr,
        element: &IdedExpr,
        container: &IdedExpr,
    ) -> Result<Checked, CelError> {
        let sought = self.value(element)?;
        let held = self.value(container)?;
        match (&sought.of, &held.of) {
            (Type::Text { .. }, Type::Map { .. }) => {}
            (sought, Type::List { item, .. }) if sought.join(item).is_some() => {
                if let Type::Text { form, .. } = sought {
                    self.fits(*form, container)?;
                }
                if let Type::Text { form, .. } = **item {
                    self.fits(form, element)?;
                }
            }
            (sought, held) => {
                let hint = match held {
                    Type::Text { .. } => "use contains() to search a text",
                    Type::List { .. } => "the list holds something else",
                    Type::Map { .. } => "keys of a map are texts",
                    _ => "only lists and maps have elements",
                };
                return Err(self.error_at_token(
                    CelReason::CelWrongType,
                    part,
                    format!("{} can't be in {}: {hint}", sought.name(), held.name()),
                ));
            }
        }
        Ok(Checked::made(Type::Bool, &[sought, held]))
    }

    fn binary(
        &self,
        part: &IdedExpr,
        name: &str,
        [left, right]: [&IdedExpr; 2],
        [before, after]: &[Checked; 2],
    ) -> Result<Type, CelError> {
        let compared = matches!(
            name,
            op::EQUALS
                | op::NOT_EQUALS
                | op::LESS
                | op::LESS_EQUALS
                | op::GREATER
                | op::GREATER_EQUALS
        );
        let of = match (name, &before.of, &after.of) {
            (op::EQUALS | op::NOT_EQUALS, a, b) if a.join(b).is_some() => Some(Type::Bool),
            (_, Type::Int, Type::Int)
            | (_, Type::Double, Type::Double)
            | (_, Type::Text { .. }, Type::Text { .. })
                if compared =>
            {
                Some(Type::Bool)
            }
            (
                op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO,
                Type::Int,
                Type::Int,
            ) => Some(Type::Int),
            (op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE, Type::Double, Type::Double) => {
                Some(Type::Double)
            }
            (op::ADD, a, b) => a.concat(b),
            _ => None,
        };
        let Some(of) = of else {
            return Err(self.error_at_token(
                CelReason::CelWrongType,
                part,
                format!(
                    "{} can't be applied to {} and {}: {}",
                    spelled(name),
                    before.of.name(),
                    after.of.name(),
                    hint(&before.of, &after.of)
                ),
            ));
        };
        if compared {
            for (checked, other) in [(before, right), (after, left)] {
                if let Type::Text { form, .. } = checked.of
                    && form != Form::Free
                {
                    self.fits(form, other)?;
                }
            }
        }
        if matches!(name, op::DIVIDE | op::MODULO)
            && let Expr::Literal(LiteralValue::Int(zero)) = &right.expr
            && *zero.inner() == 0
        {
            return Err(self.error(
                CelReason::CelWrongValue,
                right,
                "a division by zero: divide by something else",
            ));
        }
        Ok(of)
    }
}

/// How an operator is written.
fn spelled(name: &str) -> String {
    name.replace(['_', '@'], "")
}

fn hint(left: &Type, right: &Type) -> &'static str {
    match (left, right) {
        (Type::Text { .. }, Type::Int | Type::Double | Type::Bool)
        | (Type::Int | Type::Double | Type::Bool, Type::Text { .. }) => {
            "convert one of them with string(), int() or bool(), or put quotes around the literal"
        }
        (Type::Int, Type::Double) | (Type::Double, Type::Int) => {
            "convert one of them with int() or double()"
        }
        (Type::List { .. }, _) | (_, Type::List { .. }) => "use in, exists() or size() with a list",
        _ => "both sides must be of one type that has this operator",
    }
}
