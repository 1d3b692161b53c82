//! What can be wrong with an expression, before it is used and while it is.

use std::fmt;

use cel::ExecutionError;
use cel::objects::Value;

/// Where in an expression something is. Lines and columns count from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The position of a byte offset, which is moved back to the start of its character.
    pub(super) fn of(source: &str, offset: usize) -> Self {
        let offset = source.floor_char_boundary(offset.min(source.len()));
        let before = source.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |l| l.chars().count())
            .saturating_add(1);
        Self {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

/// The kind of mistake in an expression. The names are stable: they appear in status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CelReason {
    /// It is not CEL.
    CelSyntax,
    /// A field that employees do not have.
    CelUnknownField,
    /// A variable other than `employee` and those of comprehensions, or one that hides another.
    CelUnknownVariable,
    /// A function or method that does not exist here.
    CelUnknownFunction,
    /// A function or method with the wrong number of arguments, or called in the wrong way.
    CelWrongArguments,
    /// Operands, arguments or a result of the wrong type.
    CelWrongType,
    /// A literal that no employee can match: a misspelt state, something that is no date, an
    /// invalid pattern, a key written twice.
    CelWrongValue,
    /// A presence test of a field that is always present.
    CelAlwaysTrue,
    /// CEL that is not offered here.
    CelUnsupported,
    /// Nested too deeply.
    CelTooDeep,
    /// Too long.
    CelTooLong,
    /// May take too much work or memory for the largest employee that the schema admits.
    CelTooCostly,
    /// The expression could not be examined at all.
    CelNotExamined,
}

impl CelReason {
    /// The stable name, in `PascalCase`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CelSyntax => "CelSyntax",
            Self::CelUnknownField => "CelUnknownField",
            Self::CelUnknownVariable => "CelUnknownVariable",
            Self::CelUnknownFunction => "CelUnknownFunction",
            Self::CelWrongArguments => "CelWrongArguments",
            Self::CelWrongType => "CelWrongType",
            Self::CelWrongValue => "CelWrongValue",
            Self::CelAlwaysTrue => "CelAlwaysTrue",
            Self::CelUnsupported => "CelUnsupported",
            Self::CelTooDeep => "CelTooDeep",
            Self::CelTooLong => "CelTooLong",
            Self::CelTooCostly => "CelTooCostly",
            Self::CelNotExamined => "CelNotExamined",
        }
    }
}

impl fmt::Display for CelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an expression is refused. Displayed, it gives the position and the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {message}", at.line, at.column)]
pub struct CelError {
    /// The kind of mistake.
    pub reason: CelReason,
    /// Where it is.
    pub at: Position,
    /// What is wrong and what to do, for a person. Holds the suggestion too.
    pub message: String,
    /// What was probably meant, where that can be guessed.
    pub suggestion: Option<String>,
}

impl CelError {
    pub(super) fn new(reason: CelReason, at: Position, message: impl Into<String>) -> Self {
        Self {
            reason,
            at,
            message: message.into(),
            suggestion: None,
        }
    }

    /// Adds what was probably meant, also to the message.
    pub(super) fn meaning(mut self, suggestion: impl Into<String>) -> Self {
        let suggestion = suggestion.into();
        self.message = format!("{}; did you mean {suggestion}?", self.message);
        self.suggestion = Some(suggestion);
        self
    }
}

/// Why an expression that was accepted gives no result for one person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A map lacks the key.
    #[error(
        "there is no key '{key}': test for it first, with has() or in, or give everybody the attribute"
    )]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A list lacks the element.
    #[error("the list has no element {index}: test its size() first")]
    OutOfRange {
        /// The index, from 0.
        index: String,
    },
    /// A calculation that has no result.
    #[error("{what} in a calculation: test the operands first")]
    Arithmetic {
        /// What happened.
        what: &'static str,
    },
    /// A function that refuses its arguments.
    #[error("{function}() failed: {message}; test its arguments first")]
    Function {
        /// Name of the function.
        function: String,
        /// Its complaint.
        message: String,
    },
    /// Something that the check should have refused: a defect of Rollcall.
    #[error("the expression was accepted but can't be evaluated: {message}; please report this")]
    Unchecked {
        /// What the evaluator says.
        message: String,
    },
}

impl EvalError {
    /// The stable name, in `PascalCase`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::MissingKey { .. } => "CelMissingKey",
            Self::OutOfRange { .. } => "CelOutOfRange",
            Self::Arithmetic { .. } => "CelArithmetic",
            Self::Function { .. } => "CelFunctionFailed",
            Self::Unchecked { .. } => "CelUnchecked",
        }
    }
}

impl From<ExecutionError> for EvalError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::NoSuchKey(key) => Self::MissingKey {
                key: key.to_string(),
            },
            ExecutionError::IndexOutOfBounds(index) => Self::OutOfRange {
                index: match index {
                    Value::Int(i) => i.to_string(),
                    other => format!("of type {}", other.type_of()),
                },
            },
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                Self::Arithmetic {
                    what: "a division by zero",
                }
            }
            ExecutionError::Overflow(..) => Self::Arithmetic {
                what: "a number beyond 64 bits",
            },
            // Two doubles are only ever incomparable when one is not a number.
            ExecutionError::NoSuchOverload(o) if o.argument_types() == ["double", "double"] => {
                Self::Arithmetic {
                    what: "something that is not a number",
                }
            }
            ExecutionError::FunctionError { function, message } => {
                Self::Function { function, message }
            }
            // The others speak of types and may quote values, which are people's facts.
            ExecutionError::NoSuchOverload(overload) => Self::Unchecked {
                message: format!(
                    "{}({})",
                    overload.function(),
                    overload.argument_types().join(", ")
                ),
            },
            ExecutionError::UndeclaredReference(name) => Self::Unchecked {
                message: format!("{name} is not declared"),
            },
            _ => Self::Unchecked {
                message: "a value has an unexpected type".to_owned(),
            },
        }
    }
}
