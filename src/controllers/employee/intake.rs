//! From an Employee object, as written, to checked facts.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::api::EmployeeSpec;
use crate::api::employee::{AccountLink, Employment as Written, ExplicitRole};
use crate::controllers::words::Words;
use crate::domain::facts::{Employment, Facts, Link};
use crate::domain::ids::{ConnectorName, EmployeeId, EmployeeName, RoleName};
use crate::domain::problem::Problem;
use crate::domain::term::Term;

/// Checks what a schema could not. Texts that people have in common are shared.
///
/// # Errors
/// A [`Problem`] that only an edit of the object cures, naming the field.
pub fn facts(
    name: &EmployeeName,
    spec: &EmployeeSpec,
    words: &mut Words,
) -> Result<Facts, Problem> {
    let start = date("spec.startDate", &spec.start_date)?;
    let end = spec
        .end_date
        .as_deref()
        .map(|text| date("spec.endDate", text))
        .transpose()?;
    if end.is_some_and(|end| end < start) {
        return Err(Problem::edit(
            "EndBeforeStart",
            "spec.endDate is before spec.startDate: correct one of the two",
        ));
    }
    let zone_name = spec.time_zone.as_deref().unwrap_or("UTC");
    let zone = TimeZone::get(zone_name).map_err(|_| {
        Problem::edit(
            "UnknownTimeZone",
            format!("spec.timeZone {zone_name:?} is not in the IANA time zone database: use a name such as Europe/Berlin"),
        )
    })?;
    let text = |value: &Option<String>| Box::from(value.as_deref().unwrap_or_default());
    let given = Box::from(spec.name.given.as_str());
    let family: Box<str> = text(&spec.name.family);
    let display = match &spec.name.display {
        Some(display) => Box::from(display.as_str()),
        None if family.is_empty() => Box::clone(&given),
        None => format!("{given} {family}").into(),
    };
    let mut shared = |value: Option<&str>| words.share(value.unwrap_or_default());
    Ok(Facts {
        employee_id: EmployeeId::new(&spec.employee_id),
        object: name.clone(),
        given,
        family,
        display,
        preferred: text(&spec.name.preferred),
        email: text(&spec.email),
        personal_email: text(&spec.personal_email),
        kind: shared(Some(&spec.type_)),
        department: shared(Some(&spec.department)),
        job_title: shared(Some(&spec.job_title)),
        location: shared(spec.location.as_deref()),
        cost_center: shared(spec.cost_center.as_deref()),
        manager: spec
            .manager_ref
            .as_ref()
            .map(|manager| EmployeeName::new(&manager.name)),
        start,
        end,
        zone,
        zone_name: shared(Some(zone_name)),
        employment: match spec.employment {
            Written::Active => Employment::Active,
            Written::OnLeave => Employment::OnLeave,
            Written::Suspended => Employment::Suspended,
        },
        roles: spec.roles.iter().map(|r| RoleName::new(&r.name)).collect(),
        terms: spec
            .roles
            .iter()
            .filter_map(|role| term(role).transpose())
            .collect::<Result<_, _>>()?,
        attributes: spec
            .attributes
            .iter()
            .map(|(key, value)| (key.clone(), value.0.clone()))
            .collect(),
        links: spec.links.iter().map(link).collect(),
        not_formerly: spec.not_formerly.iter().map(EmployeeId::new).collect(),
        legal_hold: spec
            .legal_hold
            .as_ref()
            .map(|hold| Box::from(hold.reason.as_str())),
    })
}

/// The terms on which a role is named, where any are said.
fn term(written: &ExplicitRole) -> Result<Option<Term>, Problem> {
    let field = format!("spec.roles[{}].until", written.name);
    let until = written.until.as_deref().map(|text| date(&field, text));
    let text = |text: &Option<String>| text.as_deref().map(Box::from);
    let term = Term {
        role: RoleName::new(&written.name),
        until: until.transpose()?,
        reason: text(&written.reason),
        approved_by: text(&written.approved_by),
        ticket: text(&written.ticket),
    };
    Ok(Some(term).filter(|term| *term != Term::of(term.role.clone())))
}

fn link(written: &AccountLink) -> Link {
    Link {
        connector: ConnectorName::new(&written.connector),
        account: written.account.as_deref().map(Box::from),
        not: written
            .not
            .iter()
            .map(|said| Box::from(said.as_str()))
            .collect(),
    }
}

fn date(field: &str, text: &str) -> Result<Date, Problem> {
    text.parse().map_err(|_| {
        Problem::edit(
            "NotADate",
            format!("{field} {text:?} is not a date: write it as YYYY-MM-DD"),
        )
    })
}
