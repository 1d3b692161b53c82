//! From text to trees, with mistakes explained for people.

use std::thread;

use cel::Env;
use cel::common::ast::{Expr, IdedExpr, SourceInfo};
use cel::parser::{ParseError, ParseErrors};

use super::error::{CelError, CelReason, Position};
use super::functions::ENVIRONMENT;
use super::scan::scan;

/// Stack for the parser, in bytes, of which only what is used is ever taken.
///
/// The generated parser takes up to 130 kB for each bracket and 50 kB for each operator in a chain.
/// An expression within the bounds of [`scan`] could thus end the whole process on a usual
/// stack. A test parses the worst ones.
const PARSER_STACK: usize = 64 * 1024 * 1024;

/// A parsed expression.
pub(super) struct Parsed {
    /// As written: comprehensions are calls still. This is what gets checked.
    pub(super) written: IdedExpr,
    /// Where its parts are.
    pub(super) info: SourceInfo,
    /// With comprehensions expanded. This is what gets evaluated.
    pub(super) expanded: Result<IdedExpr, CelError>,
}

/// Parses an expression.
pub(super) fn parse(source: &str) -> Result<Parsed, CelError> {
    let seen = scan(source)?;
    let explain = |errors: &ParseErrors| {
        let error = explain(source, errors);
        match seen.foreign_word {
            Some((_, meant)) => error.meaning(meant),
            None => error,
        }
    };
    let both = thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(PARSER_STACK)
            .spawn_scoped(scope, || {
                // An environment without macros leaves comprehensions as they are written.
                let written = Env::default().with_optional_support(false).parser();
                (
                    written.parse_with_source_info(source),
                    ENVIRONMENT.parser().parse(source),
                )
            })
            .ok()
            .and_then(|parser| parser.join().ok())
    });
    let Some((written, expanded)) = both else {
        return Err(CelError::new(
            CelReason::CelNotExamined,
            Position::of(source, 0),
            "the expression could not be parsed for want of a thread, or for a defect of the parser: \
             it is tried again; if that does not help, write it differently",
        ));
    };
    let (written, info) = written.map_err(|e| explain(&e))?;
    Ok(Parsed {
        written,
        info,
        expanded: expanded.map_err(|e| explain(&e)),
    })
}

/// The first mistake.
fn explain(source: &str, errors: &ParseErrors) -> CelError {
    let end = Position::of(source, source.len());
    // A mistake is often noticed twice, first by a part that lacks something and knows no more.
    let error = errors
        .errors
        .iter()
        .find(|e| !e.msg.starts_with("Incomplete") && !e.msg.starts_with("No `"))
        .or(errors.errors.first());
    let Some(error) = error else {
        return CelError::new(
            CelReason::CelSyntax,
            end,
            "this is not CEL: see the examples in docs/cel.md",
        );
    };
    let at = match error.pos {
        (line, column) if line > 0 && column > 0 => Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        },
        _ => end,
    };
    let text_end = Position::of(source, source.trim_end().len());
    CelError::new(CelReason::CelSyntax, at, message(error, at >= text_end))
}

fn message(error: &ParseError, at_end: bool) -> String {
    let text = error.msg.as_str();
    if let Some(name) = text.strip_prefix("reserved identifier: ") {
        return format!("{name} is a reserved word of CEL: use another name");
    }
    if text.starts_with("invalid int literal") || text.starts_with("invalid double literal") {
        return "this number is too large: whole numbers have 64 bits".to_owned();
    }
    if text.starts_with("invalid string literal") || text.starts_with("invalid bytes literal") {
        return "this text holds an escape that is no character: write \\u and four hexadecimal digits".to_owned();
    }
    if text.starts_with("unsupported syntax") {
        return "CEL's optional and backtick syntax is not offered: fields of employee are always present; \
                test a key of employee.attributes with has()"
            .to_owned();
    }
    if at_end {
        return "the expression ends too early: something is missing here".to_owned();
    }
    let unexpected = [" input '", " at '", " at: '"]
        .iter()
        .find_map(|before| text.split_once(before))
        .and_then(|(_, rest)| {
            rest.split_once("' expecting")
                .map(|(u, _)| u)
                .or(rest.strip_suffix('\''))
        });
    match unexpected {
        Some(unexpected) => {
            format!(
                "{unexpected} is not expected here: an operator or a bracket is missing before it, or it is superfluous"
            )
        }
        None => "this is not CEL: see the examples in docs/cel.md".to_owned(),
    }
}

/// The byte offset at which an expression begins.
pub(super) fn start(info: &SourceInfo, tree: &IdedExpr) -> usize {
    let own = info
        .offset_for(tree.id)
        .map_or(usize::MAX, |(start, _)| start as usize);
    match &tree.expr {
        Expr::Call(call) => match call.target.as_deref().or(call.args.first()) {
            // The offset of f(x) is that of its bracket.
            Some(first) if call.target.is_none() && is_name(&call.func_name) => own
                .saturating_sub(call.func_name.len())
                .min(start(info, first)),
            Some(first) => own.min(start(info, first)),
            None => own.saturating_sub(call.func_name.len()),
        },
        Expr::Select(select) => own.min(start(info, &select.operand)),
        _ => own,
    }
}

/// Whether a call is written with a name, and not an operator: those are called `_+_` and the like.
pub(super) fn is_name(function: &str) -> bool {
    function
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}
