//! Types as the check sees them, each with a bound on how large its values can be.
//!
//! The bounds follow from the sizes that the Employee schema admits. They let the check refuse an
//! expression that could take too long or grow too large, so that nothing has to be stopped midway.

use super::schema::Record;

/// What texts of a type can hold, where only some make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Anything.
    Free,
    /// `YYYY-MM-DD`, or empty.
    Date,
    /// An instant (RFC 3339), or empty.
    Instant,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// The type of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Bool,
    Int,
    Double,
    /// Text of at most `max` characters.
    Text {
        max: u64,
        form: Form,
    },
    /// At most `len` elements that hold at most `total` characters together.
    List {
        item: Box<Type>,
        len: u64,
        total: u64,
    },
    /// Text to a value.
    Map {
        value: Box<Type>,
        len: u64,
    },
    /// `employee`, or a part of it that has fields of its own. Not a value: it can only be selected from.
    Record(&'static Record),
    /// The elements of an empty list: goes with every type.
    Nothing,
}

impl Type {
    /// Free text of at most `max` characters.
    pub(super) fn text(max: u64) -> Self {
        Self::Text {
            max,
            form: Form::Free,
        }
    }

    /// A list. Its elements are counted as if all were of the largest size.
    pub(super) fn list(item: Type, len: u64) -> Self {
        let total = len.saturating_mul(item.weight());
        Self::List {
            item: Box::new(item),
            len,
            total,
        }
    }

    /// How CEL calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Double => "double".to_owned(),
            Self::Text { .. } => "string".to_owned(),
            Self::List { item, .. } => format!("list({})", item.name()),
            Self::Map { value, .. } => format!("map(string, {})", value.name()),
            Self::Record(record) => format!("all of {}", record.path),
            Self::Nothing => "nothing".to_owned(),
        }
    }

    /// Bound on its size: characters, and one for every value.
    pub(super) fn weight(&self) -> u64 {
        match self {
            Self::Text { max, .. } => max.saturating_add(1),
            Self::List { total, len, .. } => total.saturating_add(*len).saturating_add(1),
            Self::Map { value, len } => value.weight().saturating_mul(*len).saturating_add(1),
            Self::Bool | Self::Int | Self::Double | Self::Record(_) | Self::Nothing => 1,
        }
    }

    /// Bound on the characters of a text; 0 for anything else.
    pub(super) fn chars(&self) -> u64 {
        match self {
            Self::Text { max, .. } => *max,
            _ => 0,
        }
    }

    /// The type that holds values of both, if they are of one kind.
    pub(super) fn join(&self, other: &Type) -> Option<Type> {
        match (self, other) {
            (Self::Nothing, t) | (t, Self::Nothing) => Some(t.clone()),
            (Self::Bool, Self::Bool) => Some(Self::Bool),
            (Self::Int, Self::Int) => Some(Self::Int),
            (Self::Double, Self::Double) => Some(Self::Double),
            (Self::Text { max: a, form: f }, Self::Text { max: b, form: g }) => Some(Self::Text {
                max: *a.max(b),
                form: if f == g { *f } else { Form::Free },
            }),
            (
                Self::List { item, len, total },
                Self::List {
                    item: i,
                    len: l,
                    total: t,
                },
            ) => Some(Self::List {
                item: Box::new(item.join(i)?),
                len: *len.max(l),
                total: *total.max(t),
            }),
            (Self::Map { value, len }, Self::Map { value: v, len: l }) => Some(Self::Map {
                value: Box::new(value.join(v)?),
                len: *len.max(l),
            }),
            _ => None,
        }
    }

    /// The type of one text or list behind another.
    pub(super) fn concat(&self, other: &Type) -> Option<Type> {
        match (self, other) {
            (Self::Text { max, .. }, Self::Text { max: more, .. }) => {
                Some(Self::text(max.saturating_add(*more)))
            }
            (
                Self::List { len, total, .. },
                Self::List {
                    len: more,
                    total: longer,
                    ..
                },
            ) => match self.join(other)? {
                Self::List { item, .. } => Some(Self::List {
                    item,
                    len: len.saturating_add(*more),
                    total: total.saturating_add(*longer),
                }),
                _ => None,
            },
            _ => None,
        }
    }
}
