//! The fields of `employee`. One table serves the check and the conversion, so that neither can
//! know a field that the other does not.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::functions::INSTANT_CHARS;
use super::types::{Form, Type};
use crate::domain::facts::{Employment, Facts};
use crate::domain::ids::RoleName;
use crate::domain::lifecycle::ends_at;

/// `employee`, or a part of it that has fields of its own.
#[derive(Debug, PartialEq)]
pub(super) struct Record {
    /// How an expression spells it.
    pub(super) path: &'static str,
    /// Its fields.
    pub(super) fields: &'static [Field],
}

/// One field.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name.
    pub(super) name: &'static str,
    /// What it holds, and where that comes from.
    pub(super) content: Content,
}

impl PartialEq for Field {
    /// Names are unique within a record.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// What a field holds. The bounds, in characters and elements, are those of the Employee schema.
#[derive(Debug)]
pub(super) enum Content {
    /// Text, empty when unset.
    Text {
        max: u64,
        form: Form,
        of: fn(&Facts) -> Cow<'_, str>,
    },
    /// A list of texts.
    Texts {
        len: u64,
        max: u64,
        of: fn(&Facts) -> Vec<&str>,
    },
    /// Text by key.
    Map {
        len: u64,
        max: u64,
        of: fn(&Facts) -> &BTreeMap<String, String>,
    },
    /// Fields of its own.
    Record(&'static Record),
}

impl Field {
    /// The type that expressions see.
    pub(super) fn of_type(&self) -> Type {
        match self.content {
            Content::Text { max, form, .. } => Type::Text { max, form },
            Content::Texts { len, max, .. } => Type::list(Type::text(max), len),
            Content::Map { len, max, .. } => Type::Map {
                value: Box::new(Type::text(max)),
                len,
            },
            Content::Record(record) => Type::Record(record),
        }
    }
}

impl Record {
    /// The field of this name.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name)
    }
}

const fn text(name: &'static str, max: u64, of: fn(&Facts) -> Cow<'_, str>) -> Field {
    Field {
        name,
        content: Content::Text {
            max,
            form: Form::Free,
            of,
        },
    }
}

const fn date(name: &'static str, of: fn(&Facts) -> Cow<'_, str>) -> Field {
    Field {
        name,
        content: Content::Text {
            max: 10,
            form: Form::Date,
            of,
        },
    }
}

fn employment(facts: &Facts) -> &'static str {
    match facts.employment {
        Employment::Active => "Active",
        Employment::OnLeave => "OnLeave",
        Employment::Suspended => "Suspended",
    }
}

/// The only variable.
pub(super) static EMPLOYEE: Record = Record {
    path: "employee",
    fields: &[
        text("employeeId", 63, |f| f.employee_id.as_str().into()),
        Field {
            name: "name",
            content: Content::Record(&NAME),
        },
        text("email", 254, |f| (&*f.email).into()),
        text("personalEmail", 254, |f| (&*f.personal_email).into()),
        text("type", 63, |f| (&*f.kind).into()),
        text("department", 200, |f| (&*f.department).into()),
        text("jobTitle", 200, |f| (&*f.job_title).into()),
        text("location", 200, |f| (&*f.location).into()),
        text("costCenter", 200, |f| (&*f.cost_center).into()),
        text("manager", 253, |f| {
            f.manager.as_ref().map_or("", |m| m.as_str()).into()
        }),
        date("startDate", |f| f.start.to_string().into()),
        date("endDate", |f| {
            f.end.map(|d| d.to_string()).unwrap_or_default().into()
        }),
        Field {
            name: "endsAt",
            content: Content::Text {
                max: INSTANT_CHARS,
                form: Form::Instant,
                of: |f| {
                    ends_at(f)
                        .map(|at| at.to_string())
                        .unwrap_or_default()
                        .into()
                },
            },
        },
        text("timeZone", 64, |f| (&*f.zone_name).into()),
        Field {
            name: "employment",
            content: Content::Text {
                max: 9,
                form: Form::Word(&["Active", "OnLeave", "Suspended"]),
                of: |f| employment(f).into(),
            },
        },
        Field {
            name: "roles",
            content: Content::Texts {
                len: 64,
                max: 253,
                of: |f| f.roles.iter().map(RoleName::as_str).collect(),
            },
        },
        Field {
            name: "attributes",
            content: Content::Map {
                len: 64,
                max: 1024,
                of: |f| &f.attributes,
            },
        },
    ],
};

/// `employee.name`.
pub(super) static NAME: Record = Record {
    path: "employee.name",
    fields: &[
        text("given", 200, |f| (&*f.given).into()),
        text("family", 200, |f| (&*f.family).into()),
        // Given and family name with a space between, when it is unset.
        text("display", 401, |f| (&*f.display).into()),
        text("preferred", 200, |f| (&*f.preferred).into()),
    ],
};
