//! Instants as applications write them: directories each have a form of their own for the end of an account.

use cel::ExecutionError;
use cel::common::types::CelString;
use cel::{DeclarationError, Env};
use jiff::Timestamp;

/// Seconds from the beginning of 1601 to that of 1970, both in UTC.
const FILE_TIME_BEGINS: i64 = 11_644_473_600;
/// Ticks of 100 ns in a second.
const TICKS: i64 = 10_000_000;
/// What stands for no end at all (MS-ADA1 2.3).
const NEVER: i64 = i64::MAX;
/// Seconds of a day in UTC.
const DAY: i64 = 86_400;

/// Declares the functions.
pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_overload!(env, fn fileTime: (CelString) -> Result<CelString>)?;
    cel::add_overload!(env, fn epochDay: (CelString) -> Result<CelString>)?;
    cel::add_overload!(env, fn generalizedTime: (CelString) -> Result<CelString>)
}

type Written = Result<CelString<'static>, ExecutionError>;

/// Ticks since 1601, as `accountExpires` of Active Directory holds it; without an end, the number that means
/// never.
#[expect(non_snake_case, reason = "the name that expressions call it by")]
fn fileTime(text: &CelString<'_>) -> Written {
    written("fileTime", text, NEVER.to_string(), |at| {
        let ticks = at.as_second().checked_add(FILE_TIME_BEGINS);
        ticks
            .and_then(|seconds| seconds.checked_mul(TICKS))
            .unwrap_or(NEVER)
            .to_string()
    })
}

/// The first day in UTC, counted from 1970, that begins when it is over, as `shadowExpire` (RFC 2307) wants it.
/// So nobody is shut out early.
#[expect(non_snake_case, reason = "the name that expressions call it by")]
fn epochDay(text: &CelString<'_>) -> Written {
    written("epochDay", text, String::new(), |at| {
        let begun = at.as_second().div_euclid(DAY);
        let is_begin = at.as_second().rem_euclid(DAY) == 0;
        begun.saturating_add(i64::from(!is_begin)).to_string()
    })
}

/// `20261231230000Z` (RFC 4517 section 3.3.13).
#[expect(non_snake_case, reason = "the name that expressions call it by")]
fn generalizedTime(text: &CelString<'_>) -> Written {
    written("generalizedTime", text, String::new(), |at| {
        at.strftime("%Y%m%d%H%M%SZ").to_string()
    })
}

fn written(
    function: &str,
    text: &CelString<'_>,
    never: String,
    write: impl Fn(Timestamp) -> String,
) -> Written {
    let text = text.inner();
    if text.is_empty() {
        return Ok(CelString::from(never));
    }
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(CelString::from(write(at))),
        Err(_) => Err(ExecutionError::function_error(
            function,
            format!("{text} is no instant, such as 2026-12-31T23:00:00Z"),
        )),
    }
}
