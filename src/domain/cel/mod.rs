//! CEL, checked before it is used.
//!
//! An expression reads one variable, `employee`. It is compiled once, and refused unless it is
//! sure to give a result of the wanted type for every employee that the schema admits, save for
//! what only a person's own facts decide: a key that is not there, a text that is no number. So a
//! misspelt field is an error with a position and a suggestion, not a rule that never matches.
//!
//! - `schema` and `functions` are tables of what there is; `docs/cel.md` is held to them.
//! - `scan` and `syntax` turn text into a tree, `check`, `operators` and `calls` examine it.
//! - [`Subject`] is one person's facts, converted once for many expressions.
//!
//! Nothing here can run for long: types carry bounds on the size of their values, from which the
//! check reckons the most that an evaluation can take.

mod calls;
mod check;
mod error;
mod functions;
mod instants;
mod operators;
pub mod pattern;
mod scan;
mod schema;
mod subject;
mod suggest;
mod syntax;
#[cfg(test)]
mod tests;
mod types;
pub mod values;

use std::fmt;
use std::sync::Arc;

use cel::Context;
use cel::common::types::{CelBool, CelInt, CelList, CelString};
use cel::common::value::{CowVal, Val};
use cel::objects::Value;
use cel::parser::Expression as Tree;

pub use self::error::{CelError, CelReason, EvalError, Position};
pub use self::subject::Subject;

use self::check::Checker;
use self::pattern::Pattern;
use self::types::Type;
use super::account::AttributeValue;

/// What an expression must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultKind {
    /// Truth: the `match` of a role template.
    Bool,
    /// Text: a user name.
    Text,
    /// What an attribute can hold: text, truth, a whole number, or a list of texts.
    Attribute,
}

/// A checked expression, immutable and cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<Inner>);

struct Inner {
    source: String,
    tree: Tree,
    patterns: Vec<Pattern>,
}

impl Expression {
    /// Checks and compiles an expression.
    ///
    /// # Errors
    /// The first mistake, with its position and what to do.
    pub fn compile(source: &str, wants: ResultKind) -> Result<Self, CelError> {
        let parsed = syntax::parse(source)?;
        let mut checker = Checker::new(source, &parsed.info);
        let of = checker.value(&parsed.written)?.of;
        gives(&checker, &parsed.written, wants, &of)?;
        let patterns = checker.patterns;
        let mut tree = parsed.expanded?;
        let index_of = |text: &str| patterns.iter().position(|p| p.text == text);
        pattern::place(&mut tree, &mut { index_of });
        Ok(Self(Arc::new(Inner {
            source: source.to_owned(),
            tree,
            patterns,
        })))
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Evaluates it for one person.
    ///
    /// # Errors
    /// Where the person's facts give no result, such as a key that they lack. By the rules of CEL,
    /// `&&`, `||`, `all` and `exists` ignore an error that the other operand makes irrelevant.
    pub fn evaluate(&self, subject: &Subject) -> Result<AttributeValue, EvalError> {
        if self.0.patterns.is_empty() {
            return self.resolve(&subject.context);
        }
        let mut context = subject.context.new_inner_scope();
        pattern::bind(&self.0.patterns, &mut context);
        self.resolve(&context)
    }

    /// Evaluates an expression of [`ResultKind::Bool`].
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and where it was compiled to give something else.
    pub fn evaluate_bool(&self, subject: &Subject) -> Result<bool, EvalError> {
        match self.evaluate(subject)? {
            AttributeValue::Bool(truth) => Ok(truth),
            _ => Err(unexpected("a condition")),
        }
    }

    /// Evaluates an expression of [`ResultKind::Text`].
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and where it was compiled to give something else.
    pub fn evaluate_text(&self, subject: &Subject) -> Result<String, EvalError> {
        match self.evaluate(subject)? {
            AttributeValue::Text(text) => Ok(text),
            _ => Err(unexpected("text")),
        }
    }

    fn resolve(&self, context: &Context<'_, 'static>) -> Result<AttributeValue, EvalError> {
        let value: CowVal<'_, 'static> = Value::resolve_val(&self.0.tree, context)?;
        attribute(&*value).ok_or_else(|| unexpected("a value that an attribute can hold"))
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.0.source).finish()
    }
}

fn unexpected(wanted: &str) -> EvalError {
    EvalError::Unchecked {
        message: format!("the result is not {wanted}"),
    }
}

fn attribute(value: &dyn Val) -> Option<AttributeValue> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return Some(AttributeValue::Text(text.inner().to_owned()));
    }
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return Some(AttributeValue::Bool(*truth.inner()));
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Some(AttributeValue::Integer(*number.inner()));
    }
    let texts = value
        .downcast_ref::<CelList>()?
        .inner()
        .iter()
        .map(|element| {
            let text = element.downcast_ref::<CelString>()?;
            Some(text.inner().to_owned())
        });
    texts.collect::<Option<_>>().map(AttributeValue::Texts)
}

/// Checks the type of the whole.
fn gives(checker: &Checker, tree: &Tree, wants: ResultKind, of: &Type) -> Result<(), CelError> {
    let wanted = match (wants, of) {
        (ResultKind::Bool | ResultKind::Attribute, Type::Bool)
        | (ResultKind::Text | ResultKind::Attribute, Type::Text { .. })
        | (ResultKind::Attribute, Type::Int) => return Ok(()),
        (ResultKind::Attribute, Type::List { item, .. })
            if matches!(**item, Type::Text { .. } | Type::Nothing) =>
        {
            return Ok(());
        }
        (ResultKind::Bool, _) => {
            "a condition is needed here (bool): compare it with something, as in x == 'y'"
        }
        (ResultKind::Text, _) => {
            "text is needed here (string): convert it, for instance with string() or join()"
        }
        (ResultKind::Attribute, _) => {
            "an attribute holds string, bool, int or list(string): convert it, for instance with string()"
        }
    };
    Err(checker.error(
        CelReason::CelWrongType,
        tree,
        format!("this gives {}, and {wanted}", of.name()),
    ))
}
