//! Functions of Kubernetes' own CEL libraries (`url` and `format`) that our rules call.

use cel::common::types::{CelBool, CelOptional, CelString};
use cel::{DeclarationError, Env, ExecutionError};
use http::Uri;
use http::uri::Authority;
use jiff::civil::Date;

use crate::domain::cel::values::{opaque, text};

/// Declares what there is.
pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_overload!(env, fn isURL: (CelString) -> CelBool)?;
    cel::add_overload!(env, fn url: (CelString) -> Result<Url>)?;
    cel::add_member_overload!(env, fn getScheme: (Url) -> CelString)?;
    cel::add_member_overload!(env, fn getHostname: (Url) -> CelString)?;
    cel::add_member_overload!(env, fn getPort: (Url) -> CelString)?;
    cel::add_member_overload!(env, fn date: (Formats) -> Format)?;
    cel::add_member_overload!(env, fn validate: (Format, CelString) -> CelOptional)
}

pub(super) fn failed(function: &str, message: &str) -> ExecutionError {
    ExecutionError::FunctionError {
        function: function.to_owned(),
        message: message.to_owned(),
    }
}

/// What `url()` makes of a text.
#[derive(Clone, Debug)]
pub(super) struct Url(Uri);

/// The variable `format`.
#[derive(Clone, Debug)]
pub(super) struct Formats;

/// A format with a name.
#[derive(Clone, Debug)]
pub(super) struct Format;

opaque!(Url "kubernetes.URL");
opaque!(Formats "kubernetes.Formats");
opaque!(Format "kubernetes.NamedFormat");

pub(super) const FORMATS: Formats = Formats;

fn parsed(text: &CelString<'_>) -> Option<Uri> {
    let uri: Uri = text.inner().parse().ok()?;
    // An absolute URL, or an absolute path.
    let is_absolute = uri.scheme().is_some() || text.inner().starts_with('/');
    is_absolute.then_some(uri)
}

#[expect(non_snake_case, reason = "the name that rules call it by")]
fn isURL(text: &CelString<'_>) -> CelBool {
    CelBool::from(parsed(text).is_some())
}

fn url(text: &CelString<'_>) -> Result<Url, ExecutionError> {
    parsed(text)
        .map(Url)
        .ok_or_else(|| failed("url", "this is no URL"))
}

#[expect(non_snake_case, reason = "the name that rules call it by")]
fn getScheme(url: &Url) -> CelString<'static> {
    text(&url.0.scheme_str().unwrap_or_default().to_lowercase())
}

#[expect(non_snake_case, reason = "the name that rules call it by")]
fn getHostname(url: &Url) -> CelString<'static> {
    text(url.0.host().unwrap_or_default())
}

#[expect(non_snake_case, reason = "the name that rules call it by")]
fn getPort(url: &Url) -> CelString<'static> {
    // As it is written: one that is too large is none to the parser.
    let host = url.0.host().unwrap_or_default();
    let authority = url.0.authority().map(Authority::as_str);
    let written = authority.and_then(|all| all.rsplit_once(host));
    let port = written.and_then(|(_, port)| port.strip_prefix(':'));
    text(port.unwrap_or_default())
}

fn date(_: &Formats) -> Format {
    Format
}

/// What is wrong with a text, if anything, that is to be `YYYY-MM-DD` (RFC 3339 section 5.6, `full-date`), and a day that there is.
fn validate(_: &Format, date: &CelString<'_>) -> CelOptional<'static> {
    let date = date.inner();
    let has_form = date.len() == 10 && date.is_ascii();
    if has_form && date.parse::<Date>().is_ok() {
        CelOptional::none()
    } else {
        CelOptional::of(Box::new(text("this is no date")))
    }
}
