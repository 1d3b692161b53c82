//! Regular expressions, compiled once.
//!
//! The evaluator's own `matches` compiles its pattern anew each time, which takes a hundred times as
//! long as all the rest of an evaluation. So a pattern has to be a literal; it is compiled with its
//! expression, and in the tree a variable that holds the compiled one takes its place.

use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::common::types::{CelBool, CelString};
use cel::parser::Expression as Tree;
use cel::{Context, DeclarationError, Env};
use regex::{Regex, RegexBuilder};

use super::values::opaque;

/// Sizes in bytes that a compiled pattern may have, each with the most steps that matching one
/// character takes.
///
/// Nearly always it takes next to none. But some patterns make the matcher go through all their
/// states for each character, about 10 ns a state, and nothing tells those beforehand.
const SIZES: [(usize, u64); 3] = [(8 * 1024, 20), (32 * 1024, 80), (128 * 1024, 320)];

/// A compiled pattern, with the text that it came from.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub(super) text: String,
    regex: Arc<Regex>,
    /// Most steps that matching one character takes.
    pub(super) steps: u64,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn compile(text: &str) -> Result<Self, String> {
        for (size, steps) in SIZES {
            match RegexBuilder::new(text).size_limit(size).build() {
                Ok(regex) => {
                    return Ok(Self {
                        text: text.to_owned(),
                        regex: Arc::new(regex),
                        steps,
                    });
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => {
                    let text = error.to_string();
                    let last = text.lines().last().unwrap_or_default();
                    return Err(last.strip_prefix("error: ").unwrap_or(last).to_owned());
                }
            }
        }
        Err(r"it takes too much memory: repeat less, and write [a-z0-9] rather than \w".to_owned())
    }
}

opaque!(Pattern "pattern");

/// Declares `matches` for compiled patterns, as a function and as a method.
///
/// # Errors
/// Where it is declared already.
pub fn register(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_overload!(env, fn matches: (CelString, Pattern) -> CelBool)?;
    cel::add_member_overload!(env, fn matches: (CelString, Pattern) -> CelBool)
}

fn matches(text: &CelString<'_>, pattern: &Pattern) -> CelBool {
    CelBool::from(pattern.regex.is_match(text.inner()))
}

fn variable(index: usize) -> String {
    // No expression can spell this.
    format!("@pattern{index}")
}

/// Binds the patterns to the variables that [`place`] puts into a tree.
pub fn bind(patterns: &[Pattern], context: &mut Context<'_, 'static>) {
    for (index, pattern) in patterns.iter().enumerate() {
        context.add_variable_as_val(variable(index), Box::new(pattern.clone()));
    }
}

/// Replaces the literal pattern of every `matches` in a tree by a variable, where the pattern has an index.
pub fn place(tree: &mut Tree, index_of: &mut impl FnMut(&str) -> Option<usize>) {
    match &mut tree.expr {
        Expr::Call(call) => {
            if call.func_name == "matches"
                && let Some(argument) = call.args.last_mut()
                && let Expr::Literal(LiteralValue::String(text)) = &argument.expr
                && let Some(index) = index_of(text.inner())
            {
                argument.expr = Expr::Ident(variable(index));
            }
            call.target.iter_mut().for_each(|t| place(t, index_of));
            call.args.iter_mut().for_each(|a| place(a, index_of));
        }
        Expr::Select(select) => place(&mut select.operand, index_of),
        Expr::List(list) => list.elements.iter_mut().for_each(|e| place(e, index_of)),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    place(&mut entry.key, index_of);
                    place(&mut entry.value, index_of);
                }
            }
        }
        Expr::Comprehension(comprehension) => {
            let c = &mut **comprehension;
            for part in [
                &mut c.iter_range,
                &mut c.accu_init,
                &mut c.loop_cond,
                &mut c.loop_step,
                &mut c.result,
            ] {
                place(part, index_of);
            }
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) => {}
    }
}
