//! Attribute paths: which part of a SCIM user one managed attribute is.
//!
//! The notation is that of SCIM PATCH paths (RFC 7644 section 3.5.2), narrowed to what can be both
//! read and written without guessing, plus a few short forms. It is parsed once, when a connector is
//! made, so that no malformed path ever travels.

use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::ids::AttributeName;

/// URN of the core user schema (RFC 7643 section 4.1).
pub const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the group schema (RFC 7643 section 4.2).
pub const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise user extension (RFC 7643 section 4.3).
pub const ENTERPRISE_SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Name of the attribute that holds the manager's account.
pub const MANAGER: &str = "manager";

/// Attributes that Rollcall itself governs, or that only the server may set.
const GOVERNED: [&str; 8] = [
    "id",
    "externalId",
    "userName",
    "active",
    "groups",
    "password",
    "meta",
    "schemas",
];
/// Core attributes that hold one value (RFC 7643 section 4.1.1).
const SINGLE: [&str; 8] = [
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
];
/// Sub-attributes of `name`.
const NAME_PARTS: [&str; 6] = [
    "formatted",
    "familyName",
    "givenName",
    "middleName",
    "honorificPrefix",
    "honorificSuffix",
];
/// Core attributes that hold several values, of which one is picked by its type.
const SELECTED: [&str; 7] = [
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "roles",
];
/// Core attributes that may be managed as a whole list of values.
const LISTS: [&str; 2] = ["entitlements", "roles"];
/// Enterprise attributes that have a short form.
const ENTERPRISE_SHORT: [&str; 5] = [
    "department",
    "costCenter",
    "employeeNumber",
    "organization",
    "division",
];

/// Which element of a multi-valued attribute is meant: `[type eq "work"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector {
    /// Sub-attribute that is compared, such as `type`.
    pub attribute: String,
    /// What it must equal.
    pub value: String,
}

/// The place of one attribute in a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// One value: `displayName`.
    Single,
    /// A part of a complex attribute: `name.givenName`.
    Part(String),
    /// A part of the selected element of a multi-valued attribute: `emails[type eq "work"].value`.
    Selected(Selector, String),
    /// All values of a multi-valued attribute: `roles`.
    List,
    /// The manager: an account, written as `{"value": id}`.
    Manager,
}

/// One managed attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePath {
    /// The name that the rest of the program uses.
    pub name: AttributeName,
    /// URN of the extension that holds it. `None` for the core schema.
    pub extension: Option<String>,
    /// Attribute in that schema.
    pub attribute: String,
    /// Where in the attribute.
    pub place: Place,
    /// Whether an element made for it is marked as the primary one.
    pub primary: bool,
}

impl AttributePath {
    /// Parses one attribute name of the connector's notation.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for what is not a path, what the core schema lacks, and what Rollcall
    /// governs itself. The message names the attribute and what is accepted.
    pub fn parse(name: &AttributeName) -> Result<Self, ConnectorError> {
        parse(name.as_str())
            .map(|mut path| {
                path.name = name.clone();
                path
            })
            .map_err(|why| {
                ConnectorError::new(
                    ErrorKind::Invalid,
                    format!(
                        "attribute `{}` can't be managed: {why}",
                        shorten(name.as_str())
                    ),
                )
            })
    }

    /// The path of the manager.
    #[must_use]
    pub fn manager() -> Self {
        Self {
            name: AttributeName::new(MANAGER),
            extension: Some(ENTERPRISE_SCHEMA.to_owned()),
            attribute: MANAGER.to_owned(),
            place: Place::Manager,
            primary: false,
        }
    }

    /// The attribute with its schema, in front of which nothing else may stand in a PATCH path. An
    /// extension's attribute is addressed with a colon (RFC 7644 section 3.10).
    #[must_use]
    pub fn base(&self) -> String {
        match &self.extension {
            Some(urn) => format!("{urn}:{}", self.attribute),
            None => self.attribute.clone(),
        }
    }

    /// Whether both reach the same data, so that one would overwrite the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        if !same(&self.base(), &other.base()) {
            return false;
        }
        match (&self.place, &other.place) {
            (Place::Part(a), Place::Part(b)) => same(a, b),
            (Place::Selected(s, a), Place::Selected(t, b)) => {
                same(a, b) && same(&s.attribute, &t.attribute) && same(&s.value, &t.value)
            }
            _ => true,
        }
    }
}

fn parse(text: &str) -> Result<AttributePath, String> {
    if text.len() > 512 {
        return Err("the name is longer than 512 bytes".to_owned());
    }
    let (extension, rest) = split_schema(text)?;
    let (attribute, selector, part) = split_rest(rest)?;
    let spelt = attribute;
    if extension.is_none() {
        if let Some(governed) = find(&GOVERNED, spelt) {
            return Err(format!(
                "Rollcall governs `{governed}` itself; it follows from the employee, not from a mapping"
            ));
        }
        if let Some(path) = short_form(spelt, selector.is_none() && part.is_none()) {
            return Ok(path);
        }
    }
    let manager = match &extension {
        None => spelt.eq_ignore_ascii_case(MANAGER),
        Some(urn) => {
            urn.eq_ignore_ascii_case(ENTERPRISE_SCHEMA) && spelt.eq_ignore_ascii_case(MANAGER)
        }
    };
    if manager {
        return Err("the manager is an account, not a text; set the manager policy `FromManagerRef` instead".to_owned());
    }
    let make = |attribute: &str, place: Place| AttributePath {
        name: AttributeName::new(text),
        extension: extension.map(str::to_owned),
        attribute: attribute.to_owned(),
        place,
        primary: false,
    };
    if extension.is_some() {
        // The server alone knows its extensions' schemas; what is wrong there, it says itself.
        let place = match (selector, part) {
            (None, None) => Place::Single,
            (None, Some(part)) => Place::Part(part.to_owned()),
            (Some(selector), Some(part)) => Place::Selected(selector, part.to_owned()),
            (Some(_), None) => return Err(missing_part(spelt)),
        };
        return Ok(make(spelt, place));
    }
    core(spelt, selector, part).map(|(attribute, place)| make(attribute, place))
}

/// Places an attribute in the core schema, where every name is known.
fn core(
    spelt: &str,
    selector: Option<Selector>,
    part: Option<&str>,
) -> Result<(&'static str, Place), String> {
    if let Some(attribute) = find(&SINGLE, spelt) {
        return match (selector, part) {
            (None, None) => Ok((attribute, Place::Single)),
            _ => Err(format!(
                "`{attribute}` is one text, without parts; write `{attribute}`"
            )),
        };
    }
    if spelt.eq_ignore_ascii_case("name") {
        return match (selector, part.and_then(|p| find(&NAME_PARTS, p))) {
            (None, Some(part)) => Ok(("name", Place::Part(part.to_owned()))),
            _ => Err(format!(
                "write one of {}",
                list(NAME_PARTS.iter().map(|p| format!("name.{p}")))
            )),
        };
    }
    if let Some(attribute) = find(&SELECTED, spelt) {
        return match (selector, part) {
            (Some(selector), Some(part)) => {
                Ok((attribute, Place::Selected(selector, part.to_owned())))
            }
            (None, None) if LISTS.contains(&attribute) => Ok((attribute, Place::List)),
            _ => Err(missing_part(attribute)),
        };
    }
    Err(unknown(spelt))
}

fn missing_part(attribute: &str) -> String {
    format!(
        "say which value of `{attribute}` is meant, such as `{attribute}[type eq \"work\"].value`"
    )
}

fn unknown(spelt: &str) -> String {
    let known = SINGLE
        .iter()
        .chain(&SELECTED)
        .chain(&ENTERPRISE_SHORT)
        .chain(&["name", "email"]);
    let nearest = known
        .map(|name| {
            (
                strsim::jaro_winkler(&spelt.to_lowercase(), &name.to_lowercase()),
                *name,
            )
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.85)
        .map(|(_, name)| format!("did you mean `{name}`? "))
        .unwrap_or_default();
    format!(
        "the core user schema has no `{}`. {nearest}Accepted are {}, name.<part>, <list>[type eq \"<type>\"].<part> \
         with a list out of {}, the short forms email, {}, and <schema URN>:<attribute> for extensions",
        shorten(spelt),
        list(SINGLE.iter()),
        list(SELECTED.iter()),
        list(ENTERPRISE_SHORT.iter()),
    )
}

fn short_form(name: &str, whole: bool) -> Option<AttributePath> {
    if !whole {
        return None;
    }
    if name == "email" {
        let work = Selector {
            attribute: "type".to_owned(),
            value: "work".to_owned(),
        };
        return Some(AttributePath {
            name: AttributeName::new(name),
            extension: None,
            attribute: "emails".to_owned(),
            place: Place::Selected(work, "value".to_owned()),
            primary: true,
        });
    }
    ENTERPRISE_SHORT.contains(&name).then(|| AttributePath {
        name: AttributeName::new(name),
        extension: Some(ENTERPRISE_SCHEMA.to_owned()),
        attribute: name.to_owned(),
        place: Place::Single,
        primary: false,
    })
}

/// Splits off a schema URN. The attribute begins after the last colon before any selector, as
/// attribute names hold no colon.
fn split_schema(text: &str) -> Result<(Option<&str>, &str), String> {
    let plain = text.split_once('[').map_or(text, |(before, _)| before);
    let Some((urn, _)) = plain.rsplit_once(':') else {
        return Ok((None, text));
    };
    let rest = &text[urn.len() + 1..];
    if urn.eq_ignore_ascii_case(USER_SCHEMA) {
        return Ok((None, rest));
    }
    let well_formed = urn.len() > 4
        && urn
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
        && urn
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".:_-".contains(c));
    if well_formed {
        Ok((Some(urn), rest))
    } else {
        Err("before the colon stands no schema URN, such as urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".to_owned())
    }
}

type Rest<'a> = (&'a str, Option<Selector>, Option<&'a str>);

fn split_rest(rest: &str) -> Result<Rest<'_>, String> {
    let (attribute, selector, part) = match rest.split_once('[') {
        Some((attribute, tail)) => {
            let (selector, after) = selector(tail)?;
            let part = match after {
                "" => None,
                _ => Some(
                    after
                        .strip_prefix('.')
                        .ok_or("after `]` only `.part` may stand")?,
                ),
            };
            (attribute, Some(selector), part)
        }
        None => match rest.split_once('.') {
            Some((attribute, part)) => (attribute, None, Some(part)),
            None => (rest, None, None),
        },
    };
    for name in std::iter::once(attribute).chain(part) {
        if !is_name(name) {
            return Err(format!(
                "`{}` is no attribute name; one begins with a letter, and goes on with letters, digits, `-` and `_`",
                shorten(name)
            ));
        }
    }
    Ok((attribute, selector, part))
}

/// Reads `type eq "work"]…` and returns what stands after the bracket.
fn selector(text: &str) -> Result<(Selector, &str), String> {
    let wrong =
        || "between `[` and `]` must stand a comparison such as `type eq \"work\"`".to_owned();
    let (attribute, rest) = text.split_once(' ').ok_or_else(wrong)?;
    let (operator, rest) = rest.split_once(' ').ok_or_else(wrong)?;
    if !is_name(attribute) || !operator.eq_ignore_ascii_case("eq") {
        return Err(wrong());
    }
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let value = values
        .next()
        .and_then(Result::ok)
        .filter(|v| !v.is_empty())
        .ok_or_else(wrong)?;
    let after = rest
        .get(values.byte_offset()..)
        .and_then(|after| after.strip_prefix(']'));
    let selector = Selector {
        attribute: attribute.to_owned(),
        value,
    };
    Ok((selector, after.ok_or_else(wrong)?))
}

/// Attribute names as RFC 7643 section 2.1 has them.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The known spelling of a name; SCIM compares attribute names without case (RFC 7643 section 2.1).
fn find(names: &[&'static str], spelt: &str) -> Option<&'static str> {
    names
        .iter()
        .find(|name| name.eq_ignore_ascii_case(spelt))
        .copied()
}

fn list<T: std::fmt::Display>(names: impl Iterator<Item = T>) -> String {
    names
        .map(|name| name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}
