//! The functions that expressions may call. One table serves the check, the guesses and the page
//! for users; a test calls every one of them.

use std::sync::{Arc, LazyLock};

use cel::Env;
use cel::common::types::CelString;

use super::instants;
use super::pattern;
use super::types::{Form, Type};

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `f(x)`.
    Function,
    /// `x.f()`: the first parameter is what stands before the dot.
    Method,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Param {
    Text,
    /// A text that is compared at every place of the first one.
    Sought,
    Int,
    Bool,
    Double,
    Texts,
    /// A text, a list or a map.
    Sized,
    /// A regular expression, written out.
    Pattern,
    /// A text that is an instant, or empty.
    Instant,
}

impl Param {
    /// Whether a value of the type may be passed.
    pub(super) fn takes(self, given: &Type) -> bool {
        match self {
            Self::Text | Self::Sought | Self::Pattern => matches!(given, Type::Text { .. }),
            Self::Instant => matches!(
                given,
                Type::Text {
                    form: Form::Instant,
                    ..
                }
            ),
            Self::Int => matches!(given, Type::Int),
            Self::Bool => matches!(given, Type::Bool),
            Self::Double => matches!(given, Type::Double),
            Self::Texts => {
                matches!(given, Type::List { item, .. } if matches!(**item, Type::Text { .. } | Type::Nothing))
            }
            Self::Sized => matches!(
                given,
                Type::Text { .. } | Type::List { .. } | Type::Map { .. }
            ),
        }
    }

    /// How a message calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text | Self::Sought => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Double => "double",
            Self::Texts => "list(string)",
            Self::Sized => "string, list or map",
            Self::Pattern => "'a regular expression'",
            Self::Instant => "employee.endsAt",
        }
    }
}

/// One way to call a function. Several rows may share a name.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) style: Style,
    pub(super) params: &'static [Param],
    /// The type of the result, for arguments that the parameters take.
    pub(super) result: fn(&[Type]) -> Type,
}

impl Signature {
    /// The call as a person would write it, with types for arguments.
    pub(super) fn usage(&self) -> String {
        let names = |params: &[Param]| {
            params
                .iter()
                .map(|p| p.name())
                .collect::<Vec<_>>()
                .join(", ")
        };
        match (self.style, self.params) {
            (Style::Method, [receiver, rest @ ..]) => {
                format!("{}.{}({})", receiver.name(), self.name, names(rest))
            }
            (_, params) => format!("{}({})", self.name, names(params)),
        }
    }
}

/// Most ASCII characters that one character is transliterated to.
pub(super) const ASCII_EXPANSION: u64 = 48;
/// Most characters of an instant, in whichever form.
pub(super) const INSTANT_CHARS: u64 = 20;
/// Most characters of a whole number.
const INT_CHARS: u64 = 20;
/// Most characters of a floating-point number: the smallest ones are written out in full.
const DOUBLE_CHARS: u64 = 340;

fn chars(given: &[Type], at: usize) -> u64 {
    given.get(at).map_or(0, Type::chars)
}
fn same(given: &[Type]) -> Type {
    Type::text(chars(given, 0))
}
fn boolean(_: &[Type]) -> Type {
    Type::Bool
}
fn int(_: &[Type]) -> Type {
    Type::Int
}
fn instant(_: &[Type]) -> Type {
    Type::text(INSTANT_CHARS)
}
fn double(_: &[Type]) -> Type {
    Type::Double
}
/// Every gap between characters may be replaced, also the two at the ends.
fn replaced(given: &[Type]) -> Type {
    let text = chars(given, 0);
    Type::text(text.saturating_add(text.saturating_add(1).saturating_mul(chars(given, 2))))
}
fn parts(given: &[Type]) -> Type {
    let text = chars(given, 0);
    Type::List {
        item: Box::new(Type::text(text)),
        len: text.saturating_add(1),
        total: text,
    }
}
fn joined(given: &[Type]) -> Type {
    match given.first() {
        Some(Type::List { len, total, .. }) => {
            Type::text(total.saturating_add(len.saturating_mul(chars(given, 1))))
        }
        _ => Type::text(0),
    }
}

macro_rules! signatures {
    ($($style:ident $name:literal ($($param:ident),*) $result:expr;)*) => {
        &[$(Signature { name: $name, style: Style::$style, params: &[$(Param::$param),*], result: $result },)*]
    };
}

/// Every function. Comprehensions and `has` are no functions: see [`MACROS`].
pub(super) static FUNCTIONS: &[Signature] = signatures! {
    Function "size" (Sized) int;
    Method "size" (Sized) int;
    Method "contains" (Text, Text) boolean;
    Method "startsWith" (Text, Text) boolean;
    Method "endsWith" (Text, Text) boolean;
    Method "matches" (Text, Pattern) boolean;
    Function "matches" (Text, Pattern) boolean;
    Function "ascii" (Text) |given| Type::text(chars(given, 0).saturating_mul(ASCII_EXPANSION));
    Method "lowerAscii" (Text) same;
    Method "upperAscii" (Text) same;
    Method "trim" (Text) same;
    Method "reverse" (Text) same;
    Method "charAt" (Text, Int) |_| Type::text(1);
    Method "indexOf" (Text, Sought) int;
    Method "indexOf" (Text, Sought, Int) int;
    Method "lastIndexOf" (Text, Sought) int;
    Method "lastIndexOf" (Text, Sought, Int) int;
    Method "substring" (Text, Int) same;
    Method "substring" (Text, Int, Int) same;
    Method "replace" (Text, Text, Text) replaced;
    Method "replace" (Text, Text, Text, Int) replaced;
    Method "split" (Text, Text) parts;
    Method "split" (Text, Text, Int) parts;
    Method "join" (Texts) joined;
    Method "join" (Texts, Text) joined;
    Function "string" (Text) |given| given.first().cloned().unwrap_or(Type::Text { max: 0, form: Form::Free });
    Function "string" (Int) |_| Type::text(INT_CHARS);
    Function "string" (Double) |_| Type::text(DOUBLE_CHARS);
    Function "string" (Bool) |_| Type::text(5);
    Function "int" (Text) int;
    Function "int" (Double) int;
    Function "int" (Int) int;
    Function "double" (Text) double;
    Function "double" (Int) double;
    Function "double" (Double) double;
    Function "bool" (Text) boolean;
    Function "bool" (Bool) boolean;
    Function "fileTime" (Instant) instant;
    Function "epochDay" (Instant) instant;
    Function "generalizedTime" (Instant) instant;
};

/// Comprehensions and the presence test, with an example of each.
pub(super) static MACROS: &[(&str, &str)] = &[
    ("has", "has(employee.attributes.badge)"),
    ("all", "employee.roles.all(r, r != 'admin')"),
    ("exists", "employee.roles.exists(r, r.startsWith('eng-'))"),
    (
        "exists_one",
        "employee.roles.exists_one(r, r.startsWith('eng-'))",
    ),
    ("map", "employee.roles.map(r, r.upperAscii())"),
    ("filter", "employee.roles.filter(r, r != 'everyone')"),
];

/// What the evaluator knows: immutable, built at first use and shared by all evaluations, as
/// building it takes longer than an evaluation.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib().with_optional_support(false);
    // None of these can fail: they would only if one were declared twice. A test calls each function.
    env.add_extension(cel::extensions::strings).ok();
    env.add_extension(pattern::register).ok();
    env.add_extension(instants::register).ok();
    env.add_extension(|env| cel::add_overload!(env, fn ascii: (CelString) -> CelString))
        .ok();
    Arc::new(env)
});

fn ascii(text: &CelString<'_>) -> CelString<'static> {
    CelString::from(transliterate(text))
}

/// The text in ASCII: `Łukasz` is `Lukasz`, `小明` is `XiaoMing`. Characters without a
/// transliteration are left out, and spaces at either end.
pub(super) fn transliterate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else if let Some(ascii) = deunicode::deunicode_char(c) {
            // Ideographs come with a space behind each, which a name does not have.
            out.push_str(ascii.trim());
        }
    }
    out.trim().to_owned()
}
