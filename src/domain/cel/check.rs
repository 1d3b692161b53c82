//! The check: every name, every type and every bound, before an expression is ever evaluated.

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo};

use super::error::{CelError, CelReason, Position};
use super::pattern::Pattern;
use super::schema::{EMPLOYEE, NAME, Record};
use super::suggest::closest;
use super::syntax::start;
use super::types::{Form, Type};

/// Most nodes on the way from the root of a tree to a leaf. The evaluator takes up to 40 kB of stack for
/// each when it is not optimized, and a comprehension counts for three of them there.
pub(super) const MAX_DEPTH: usize = 20;
/// Most steps, of about a tenth of a microsecond each, that evaluating may take for the largest
/// employee that the schema admits.
pub(super) const MAX_COST: u64 = 2_000_000;
/// Most characters and elements that a value may have, for that same employee.
pub(super) const MAX_SIZE: u64 = 256 * 1024;
/// Characters that are copied, compared or searched in one step.
pub(super) const CHARS_A_STEP: u64 = 256;

/// What the check learned of an expression.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// Its type.
    pub(super) of: Type,
    /// Most steps that evaluating it takes.
    pub(super) cost: u64,
}

impl Checked {
    /// A value made of others in one step, which passes over all that they and it hold.
    pub(super) fn made(of: Type, from: &[Checked]) -> Self {
        let passed: u64 = from
            .iter()
            .map(|c| c.of.weight())
            .fold(of.weight(), u64::saturating_add);
        let elements = if let Type::List { len, .. } = of {
            len
        } else {
            0
        };
        let cost = from
            .iter()
            .map(|c| c.cost)
            .chain([elements, passed / CHARS_A_STEP])
            .fold(1, u64::saturating_add);
        Self { of, cost }
    }
}

/// A walk over one expression.
pub(super) struct Checker<'a> {
    pub(super) source: &'a str,
    pub(super) info: &'a SourceInfo,
    /// Variables of the comprehensions around the current node.
    pub(super) variables: Vec<(String, Type)>,
    /// Patterns found.
    pub(super) patterns: Vec<Pattern>,
    depth: usize,
}

impl<'a> Checker<'a> {
    pub(super) fn new(source: &'a str, info: &'a SourceInfo) -> Self {
        Self {
            source,
            info,
            variables: Vec::new(),
            patterns: Vec::new(),
            depth: 0,
        }
    }

    /// An error at the beginning of a part.
    pub(super) fn error(
        &self,
        reason: CelReason,
        part: &IdedExpr,
        message: impl Into<String>,
    ) -> CelError {
        CelError::new(
            reason,
            Position::of(self.source, start(self.info, part)),
            message,
        )
    }

    /// An error at the token that a part is known by: its operator, dot or bracket.
    pub(super) fn error_at_token(
        &self,
        reason: CelReason,
        part: &IdedExpr,
        message: impl Into<String>,
    ) -> CelError {
        CelError::new(reason, Position::of(self.source, self.token(part)), message)
    }

    /// The byte offset of the token that a part is known by.
    pub(super) fn token(&self, part: &IdedExpr) -> usize {
        self.info
            .offset_for(part.id)
            .map_or(0, |(start, _)| start as usize)
    }

    /// Checks a part whose value is used.
    pub(super) fn value(&mut self, part: &IdedExpr) -> Result<Checked, CelError> {
        let checked = self.part(part)?;
        if let Type::Record(record) = checked.of {
            let example = record.fields.first().map_or("", |f| f.name);
            return Err(self.error(
                CelReason::CelWrongType,
                part,
                format!(
                    "{0} is no value of its own: select a field, such as {0}.{example}",
                    record.path
                ),
            ));
        }
        if checked.cost > MAX_COST || checked.of.weight() > MAX_SIZE {
            return Err(self.error(
                CelReason::CelTooCostly,
                part,
                "this may take too much time or memory for an employee with long and many attributes: \
                 use fewer comprehensions inside each other, fewer of split, replace and join after each other, \
                 and matches() on a whole text rather than on each part of it, with [a-z0-9] rather than \\w",
            ));
        }
        Ok(checked)
    }

    /// Checks a part, which may be something to select from.
    pub(super) fn part(&mut self, part: &IdedExpr) -> Result<Checked, CelError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error_at_token(
                CelReason::CelTooDeep,
                part,
                format!("more than {MAX_DEPTH} operations inside each other: join several texts with [a, b].join(), or use fewer"),
            ));
        }
        self.depth += 1;
        let checked = match &part.expr {
            Expr::Literal(literal) => self.literal(part, literal),
            Expr::Ident(name) => self.variable(part, name),
            Expr::Select(select) => self.select(part, select),
            Expr::Call(call) => self.call(part, call),
            Expr::List(list) => self.list(&list.elements),
            Expr::Map(map) => {
                let entries: Vec<_> = map.entries.iter().map(|e| &e.expr).collect();
                self.map(part, &entries)
            }
            Expr::Struct(message) => Err(self.error(
                CelReason::CelUnsupported,
                part,
                format!(
                    "there is no type {} to make: use text, numbers, lists and maps",
                    message.type_name
                ),
            )),
            Expr::Comprehension(_) | Expr::Unspecified => Err(self.error(
                CelReason::CelNotExamined,
                part,
                "this part can't be examined: write it differently",
            )),
        };
        self.depth -= 1;
        checked
    }

    fn literal(&self, part: &IdedExpr, literal: &LiteralValue) -> Result<Checked, CelError> {
        let unsupported = |message| Err(self.error(CelReason::CelUnsupported, part, message));
        let of = match literal {
            LiteralValue::Boolean(_) => Type::Bool,
            LiteralValue::Int(_) => Type::Int,
            LiteralValue::Double(_) => Type::Double,
            LiteralValue::String(text) => Type::text(text.inner().chars().count() as u64),
            LiteralValue::Null => {
                return unsupported(
                    "nothing is ever null: a field that is unset is empty, so compare with ''",
                );
            }
            LiteralValue::UInt(_) => {
                return unsupported("there are no unsigned numbers: leave the u out");
            }
            LiteralValue::Bytes(_) => return unsupported("there are no bytes: leave the b out"),
        };
        Ok(Checked { of, cost: 1 })
    }

    fn variable(&self, part: &IdedExpr, name: &str) -> Result<Checked, CelError> {
        if let Some((_, of)) = self.variables.iter().rev().find(|(v, _)| v == name) {
            return Ok(Checked {
                of: of.clone(),
                cost: 1,
            });
        }
        if name == EMPLOYEE.path {
            return Ok(Checked {
                of: Type::Record(&EMPLOYEE),
                cost: 1,
            });
        }
        let error = self.error(
            CelReason::CelUnknownVariable,
            part,
            format!("no variable {name}"),
        );
        let variables = self
            .variables
            .iter()
            .map(|(v, _)| v.as_str())
            .chain([EMPLOYEE.path]);
        if let Some(meant) = closest(name, variables) {
            return Err(error.meaning(meant));
        }
        if let Some(field) = closest(name, EMPLOYEE.fields.iter().map(|f| f.name)) {
            return Err(error.meaning(format!("{}.{field}", EMPLOYEE.path)));
        }
        Err(CelError {
            message: format!(
                "no variable {name}: the only one is employee; put quotes around text"
            ),
            ..error
        })
    }

    fn select(&mut self, part: &IdedExpr, select: &SelectExpr) -> Result<Checked, CelError> {
        let operand = self.part(&select.operand)?;
        self.selected(part, select, &operand)
    }

    /// Checks a selection whose operand is checked.
    pub(super) fn selected(
        &self,
        part: &IdedExpr,
        select: &SelectExpr,
        operand: &Checked,
    ) -> Result<Checked, CelError> {
        let cost = operand.cost.saturating_add(1);
        match &operand.of {
            Type::Record(record) => match record.field(&select.field) {
                Some(field) => Ok(Checked {
                    of: field.of_type(),
                    cost,
                }),
                None => Err(self.unknown_field(part, record, &select.field)),
            },
            Type::Map { value, .. } => Ok(Checked {
                of: (**value).clone(),
                cost,
            }),
            other => Err(CelError::new(
                CelReason::CelWrongType,
                self.field_position(part),
                format!(
                    "{} has no fields, so there is no {}: call a function of it, or compare it",
                    other.name(),
                    select.field
                ),
            )),
        }
    }

    /// Where the name behind a dot begins.
    fn field_position(&self, select: &IdedExpr) -> Position {
        let dot = self.token(select);
        let behind = self.source.get(dot + 1..).unwrap_or_default();
        Position::of(
            self.source,
            dot + 1 + (behind.len() - behind.trim_start().len()),
        )
    }

    fn unknown_field(&self, part: &IdedExpr, record: &Record, name: &str) -> CelError {
        let at = self.field_position(part);
        let error = CelError::new(
            CelReason::CelUnknownField,
            at,
            format!("no field {name} on {}", record.path),
        );
        if let Some(meant) = closest(name, record.fields.iter().map(|f| f.name)) {
            return error.meaning(meant);
        }
        // It may belong to the other record.
        let (prefix, other) = if *record == EMPLOYEE {
            ("name.", &NAME)
        } else {
            ("employee.", &EMPLOYEE)
        };
        if let Some(meant) = closest(name, other.fields.iter().map(|f| f.name)) {
            return error.meaning(format!("{prefix}{meant}"));
        }
        let fields: Vec<_> = record.fields.iter().map(|f| f.name).collect();
        CelError {
            message: format!(
                "{}: it has {}; facts of your own go into employee.attributes",
                error.message,
                fields.join(", ")
            ),
            ..error
        }
    }

    fn list(&mut self, elements: &[IdedExpr]) -> Result<Checked, CelError> {
        let (mut item, mut total, mut cost) = (Type::Nothing, 0_u64, 1_u64);
        for element in elements {
            let checked = self.value(element)?;
            item = item.join(&checked.of).ok_or_else(|| {
                self.error(
                    CelReason::CelWrongType,
                    element,
                    format!(
                        "this is {} in a list of {}: all elements must be of one type, so convert it, for instance with string()",
                        checked.of.name(),
                        item.name()
                    ),
                )
            })?;
            total = total.saturating_add(checked.of.weight());
            cost = cost
                .saturating_add(checked.cost)
                .saturating_add(1 + checked.of.weight() / CHARS_A_STEP);
        }
        Ok(Checked {
            of: Type::List {
                item: Box::new(item),
                len: elements.len() as u64,
                total,
            },
            cost,
        })
    }

    fn map(&mut self, part: &IdedExpr, entries: &[&EntryExpr]) -> Result<Checked, CelError> {
        let (mut value, mut cost, mut keys) = (Type::Nothing, 1_u64, Vec::new());
        for entry in entries {
            let EntryExpr::MapEntry(entry) = entry else {
                return Err(self.error(
                    CelReason::CelUnsupported,
                    part,
                    "fields of a message are not offered",
                ));
            };
            let Expr::Literal(LiteralValue::String(key)) = &entry.key.expr else {
                return Err(self.error(
                    CelReason::CelUnsupported,
                    &entry.key,
                    "a key of a map must be a text in quotes",
                ));
            };
            if keys.contains(&key.inner()) {
                return Err(self.error(
                    CelReason::CelWrongValue,
                    &entry.key,
                    format!("the key '{}' is here twice: remove one", key.inner()),
                ));
            }
            keys.push(key.inner());
            let checked = self.value(&entry.value)?;
            value = value.join(&checked.of).ok_or_else(|| {
                self.error(
                    CelReason::CelWrongType,
                    &entry.value,
                    format!(
                        "this is {} in a map of {}: all values must be of one type, so convert it, for instance with string()",
                        checked.of.name(),
                        value.name()
                    ),
                )
            })?;
            cost = cost
                .saturating_add(checked.cost)
                .saturating_add(2 + checked.of.weight() / CHARS_A_STEP);
        }
        Ok(Checked {
            of: Type::Map {
                value: Box::new(value),
                len: entries.len() as u64,
            },
            cost,
        })
    }

    /// Refuses literals that a text of this form never equals.
    pub(super) fn fits(&self, form: Form, literal: &IdedExpr) -> Result<(), CelError> {
        match &literal.expr {
            Expr::Literal(LiteralValue::String(text)) => {
                self.text_fits(form, literal, text.inner())
            }
            Expr::List(list) => list.elements.iter().try_for_each(|e| self.fits(form, e)),
            _ => Ok(()),
        }
    }

    fn text_fits(&self, form: Form, part: &IdedExpr, text: &str) -> Result<(), CelError> {
        let wrong = |message: String| self.error(CelReason::CelWrongValue, part, message);
        match form {
            Form::Date if !text.is_empty() && !is_date(text) => Err(wrong(format!(
                "'{text}' is no date, so comparing with it makes no sense: write it as '2026-12-01'"
            ))),
            Form::Instant if !text.is_empty() && text.parse::<jiff::Timestamp>().is_err() => {
                Err(wrong(format!(
                    "'{text}' is no instant, so comparing with it makes no sense: write it as '2026-12-31T23:00:00Z'"
                )))
            }
            Form::Word(words) if !words.contains(&text) => {
                let error = wrong(format!(
                    "'{text}' never occurs here: it is one of {}",
                    words.join(", ")
                ));
                Err(match closest(text, words.iter().copied()) {
                    Some(meant) => error.meaning(meant),
                    None => error,
                })
            }
            _ => Ok(()),
        }
    }
}

/// Dates compare as text only when they are all written alike.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .parse::<jiff::civil::Date>()
            .is_ok_and(|d| d.to_string() == text)
}
