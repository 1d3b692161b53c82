//! From an Employee object, as written, to checked facts.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::api::EmployeeSpec;
use crate::api::employee::Employment as Written;
use crate::domain::facts::{Employment, Facts};
use crate::domain::ids::{EmployeeId, EmployeeName, RoleName};
use crate::domain::problem::Problem;

/// Checks what a schema could not.
///
/// # Errors
/// A [`Problem`] that only an edit of the object cures, naming the field.
pub fn facts(name: &EmployeeName, spec: &EmployeeSpec) -> Result<Facts, Problem> {
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
    let zone_name = spec.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
    let zone = TimeZone::get(&zone_name).map_err(|_| {
        Problem::edit(
            "UnknownTimeZone",
            format!("spec.timeZone {zone_name:?} is not in the IANA time zone database: use a name such as Europe/Berlin"),
        )
    })?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let family = text(&spec.name.family);
    let display = spec.name.display.clone().unwrap_or_else(|| {
        if family.is_empty() {
            spec.name.given.clone()
        } else {
            format!("{} {family}", spec.name.given)
        }
    });
    Ok(Facts {
        employee_id: EmployeeId::new(&spec.employee_id),
        object: name.clone(),
        given: spec.name.given.clone(),
        family,
        display,
        preferred: text(&spec.name.preferred),
        email: text(&spec.email),
        personal_email: text(&spec.personal_email),
        kind: spec.type_.clone(),
        department: spec.department.clone(),
        job_title: spec.job_title.clone(),
        location: text(&spec.location),
        cost_center: text(&spec.cost_center),
        manager: spec
            .manager_ref
            .as_ref()
            .map(|manager| EmployeeName::new(&manager.name)),
        start,
        end,
        zone,
        zone_name,
        employment: match spec.employment {
            Written::Active => Employment::Active,
            Written::OnLeave => Employment::OnLeave,
            Written::Suspended => Employment::Suspended,
        },
        roles: spec.roles.iter().map(|r| RoleName::new(&r.name)).collect(),
        attributes: spec
            .attributes
            .iter()
            .map(|(key, value)| (key.clone(), value.0.clone()))
            .collect(),
    })
}

fn date(field: &str, text: &str) -> Result<Date, Problem> {
    text.parse().map_err(|_| {
        Problem::edit(
            "NotADate",
            format!("{field} {text:?} is not a date: write it as YYYY-MM-DD"),
        )
    })
}
