//! The check of functions, methods and comprehensions.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

use super::check::{CHARS_A_STEP, Checked, Checker};
use super::error::{CelError, CelReason, Position};
use super::functions::{FUNCTIONS, MACROS, Param, Signature, Style};
use super::pattern::Pattern;
use super::schema::EMPLOYEE;
use super::suggest::{closest, is_about_time, synonym};
use super::syntax::is_name;
use super::types::Type;

/// Most comprehensions inside each other.
pub(super) const MAX_COMPREHENSIONS: usize = 2;
/// Steps to bind a variable and to go round once.
const ROUND: u64 = 3;

impl Checker<'_> {
    /// Checks anything that the parser takes for a call.
    pub(super) fn call(&mut self, part: &IdedExpr, call: &CallExpr) -> Result<Checked, CelError> {
        match (&call.target, call.func_name.as_str(), call.args.as_slice()) {
            (_, name, _) if !is_name(name) => self.operator(part, call),
            (None, "has", [field]) => self.has(part, field),
            (
                Some(list),
                name @ ("all" | "exists" | "exists_one" | "existsOne"),
                [variable, condition],
            ) => {
                let (list, condition, _) = self.round(part, list, variable, condition, None)?;
                if condition.of == Type::Bool {
                    return Ok(Checked {
                        of: Type::Bool,
                        cost: list.cost,
                    });
                }
                Err(self.wrong_type(&call.args[1], name, "bool", &condition.of))
            }
            (Some(list), "filter", [variable, condition]) => {
                let (list, checked, _) = self.round(part, list, variable, condition, None)?;
                if checked.of == Type::Bool {
                    return Ok(list);
                }
                Err(self.wrong_type(condition, "filter", "bool", &checked.of))
            }
            (Some(list), "map", [variable, made]) => {
                let (list, made, len) = self.round(part, list, variable, made, None)?;
                Ok(Checked {
                    of: Type::list(made.of, len),
                    cost: list.cost,
                })
            }
            (Some(list), "map", [variable, condition, made]) => {
                let (list, made, len) = self.round(part, list, variable, made, Some(condition))?;
                Ok(Checked {
                    of: Type::list(made.of, len),
                    cost: list.cost,
                })
            }
            (target, name, args) => match (MACROS.iter().find(|(m, _)| *m == name), target) {
                (Some((_, example)), _) => Err(CelError::new(
                    CelReason::CelWrongArguments,
                    self.name_position(part, name),
                    format!("{name} is not used like this: write for example {example}"),
                )),
                (None, Some(target)) => {
                    self.function(part, name, Style::Method, Some(target), args)
                }
                (None, None) => self.function(part, name, Style::Function, None, args),
            },
        }
    }

    /// Where the name before a bracket begins.
    fn name_position(&self, call: &IdedExpr, name: &str) -> Position {
        let before = self
            .source
            .get(..self.token(call))
            .unwrap_or_default()
            .trim_end();
        Position::of(self.source, before.len().saturating_sub(name.len()))
    }

    fn wrong_type(&self, part: &IdedExpr, function: &str, wanted: &str, given: &Type) -> CelError {
        self.error(
            CelReason::CelWrongType,
            part,
            format!(
                "{function} needs {wanted} here, and this is {}",
                given.name()
            ),
        )
    }

    /// The presence test: of keys, as fields are always there.
    fn has(&mut self, part: &IdedExpr, field: &IdedExpr) -> Result<Checked, CelError> {
        let Expr::Select(select) = &field.expr else {
            return Err(self.error(
                CelReason::CelWrongArguments,
                field,
                "has takes a key selected from a map: write has(employee.attributes.badge), or 'badge' in employee.attributes",
            ));
        };
        let operand = self.part(&select.operand)?;
        let selected = self.selected(field, select, &operand)?;
        if let Type::Record(record) = operand.of {
            let path = format!("{}.{}", record.path, select.field);
            let meant = match selected.of {
                Type::Text { .. } => format!("{path} != ''"),
                Type::List { .. } => format!("{path}.size() > 0"),
                _ => path.clone(),
            };
            return Err(CelError::new(
                CelReason::CelAlwaysTrue,
                self.name_position(part, "has"),
                format!("{path} is always present, and empty when unset"),
            )
            .meaning(meant));
        }
        Ok(Checked {
            of: Type::Bool,
            cost: selected.cost,
        })
    }

    /// Checks a comprehension: the list with the cost of going over all of it, what is evaluated
    /// each time, and how often that is.
    fn round(
        &mut self,
        part: &IdedExpr,
        list: &IdedExpr,
        variable: &IdedExpr,
        body: &IdedExpr,
        condition: Option<&IdedExpr>,
    ) -> Result<(Checked, Checked, u64), CelError> {
        let mut list_checked = self.value(list)?;
        let (item, len) = match &list_checked.of {
            Type::List { item, len, .. } => ((**item).clone(), *len),
            Type::Map { .. } => {
                return Err(self.error(
                    CelReason::CelUnsupported,
                    list,
                    "a map has no order to go over: ask for its keys one by one, with in or has()",
                ));
            }
            other => {
                return Err(self.error(
                    CelReason::CelWrongType,
                    list,
                    format!("only lists can be gone over, and this is {}: split() makes a list of a text", other.name()),
                ));
            }
        };
        let name = self.new_variable(variable)?;
        if self.variables.len() >= MAX_COMPREHENSIONS {
            return Err(self.error_at_token(
                CelReason::CelTooDeep,
                part,
                format!("more than {MAX_COMPREHENSIONS} comprehensions inside each other: use in or join() in the inner one, or several role templates"),
            ));
        }
        let bound = item.weight() / CHARS_A_STEP + ROUND;
        self.variables.push((name, item));
        let guard = condition.map(|c| self.boolean(c)).transpose();
        let body = guard.and_then(|guard| Ok((guard, self.value(body)?)));
        self.variables.pop();
        let (guard, body) = body?;
        let each = [
            body.cost,
            bound,
            guard.map_or(0, |g| g.cost),
            body.of.weight() / CHARS_A_STEP,
        ]
        .into_iter()
        .fold(0, u64::saturating_add);
        list_checked.cost = list_checked
            .cost
            .saturating_add(len.saturating_mul(each))
            .saturating_add(1);
        Ok((list_checked, body, len))
    }

    fn new_variable(&self, variable: &IdedExpr) -> Result<String, CelError> {
        match &variable.expr {
            Expr::Ident(name) if name.starts_with('.') => Err(self.error(
                CelReason::CelUnknownVariable,
                variable,
                "a variable begins with a letter: remove the dot",
            )),
            Expr::Ident(name) if name == EMPLOYEE.path || self.variables.iter().any(|(v, _)| v == name) => {
                Err(self.error(
                    CelReason::CelUnknownVariable,
                    variable,
                    format!("{name} is taken and would be hidden: choose another name"),
                ))
            }
            Expr::Ident(name) => Ok(name.clone()),
            _ => Err(self.error(
                CelReason::CelWrongArguments,
                variable,
                "the first argument must be a new name for each element, as r in employee.roles.exists(r, r == 'x')",
            )),
        }
    }

    fn function(
        &mut self,
        part: &IdedExpr,
        name: &str,
        style: Style,
        target: Option<&IdedExpr>,
        args: &[IdedExpr],
    ) -> Result<Checked, CelError> {
        let rows: Vec<&Signature> = FUNCTIONS.iter().filter(|f| f.name == name).collect();
        if rows.is_empty() {
            return Err(self.unknown_function(part, name, style));
        }
        let all: Vec<&IdedExpr> = target.into_iter().chain(args).collect();
        let usages = |rows: &[&Signature]| {
            rows.iter()
                .map(|f| f.usage())
                .collect::<Vec<_>>()
                .join(" or ")
        };
        let fitting: Vec<&Signature> = rows
            .iter()
            .copied()
            .filter(|f| f.style == style && f.params.len() == all.len())
            .collect();
        if fitting.is_empty() {
            return Err(CelError::new(
                CelReason::CelWrongArguments,
                self.name_position(part, name),
                format!("{name} is not called like this: write {}", usages(&rows)),
            ));
        }
        let given = all
            .iter()
            .map(|a| self.value(a))
            .collect::<Result<Vec<_>, _>>()?;
        let types: Vec<Type> = given.iter().map(|g| g.of.clone()).collect();
        let takes = |f: &Signature, at: usize| {
            f.params
                .get(at)
                .zip(types.get(at))
                .is_some_and(|(p, t)| p.takes(t))
        };
        let Some(chosen) = fitting
            .iter()
            .find(|f| (0..types.len()).all(|at| takes(f, at)))
        else {
            let wrong = (0..types.len())
                .find(|at| !fitting.iter().any(|f| takes(f, *at)))
                .unwrap_or(0);
            let (Some(part), Some(given)) = (all.get(wrong), types.get(wrong)) else {
                return Err(self.unknown_function(part, name, style));
            };
            return Err(self.error(
                CelReason::CelWrongType,
                part,
                format!(
                    "{name} can't be given {}: write {}",
                    given.name(),
                    usages(&fitting)
                ),
            ));
        };
        let mut checked = Checked::made((chosen.result)(&types), &given);
        let searched = types.first().map_or(0, Type::chars);
        for ((param, part), of) in chosen.params.iter().zip(&all).zip(&types) {
            let cost = match param {
                Param::Pattern => searched.saturating_mul(self.pattern(part)?),
                Param::Sought => searched.saturating_mul(of.chars()) / CHARS_A_STEP,
                _ => continue,
            };
            checked.cost = checked.cost.saturating_add(cost);
        }
        Ok(checked)
    }

    /// Compiles a pattern, and gives the most steps that it takes for a character.
    fn pattern(&mut self, part: &IdedExpr) -> Result<u64, CelError> {
        let Expr::Literal(LiteralValue::String(text)) = &part.expr else {
            return Err(self.error(
                CelReason::CelUnsupported,
                part,
                "a regular expression must be written out, as in matches('^eng-'): use startsWith(), endsWith() or contains() for a text that varies",
            ));
        };
        let pattern = Pattern::compile(text.inner()).map_err(|why| {
            self.error(
                CelReason::CelWrongValue,
                part,
                format!("not a regular expression that can be used: {why}"),
            )
        })?;
        let steps = pattern.steps;
        self.patterns.push(pattern);
        Ok(steps)
    }

    fn unknown_function(&self, part: &IdedExpr, name: &str, style: Style) -> CelError {
        let what = if style == Style::Method {
            "method"
        } else {
            "function"
        };
        let error = CelError::new(
            CelReason::CelUnknownFunction,
            self.name_position(part, name),
            format!("no {what} {name}"),
        );
        if is_about_time(name) {
            return CelError {
                message: format!(
                    "no {what} {name}: expressions know no clock, as what depends on the day is done by startDate and endDate; dates are text such as '2026-12-01' and compare as text"
                ),
                ..error
            };
        }
        let known = FUNCTIONS
            .iter()
            .map(|f| f.name)
            .chain(MACROS.iter().map(|(m, _)| *m));
        match synonym(name).or_else(|| closest(name, known)) {
            Some(meant) => error.meaning(meant),
            None => CelError {
                message: format!("no {what} {name}: docs/cel.md lists those there are"),
                ..error
            },
        }
    }
}
