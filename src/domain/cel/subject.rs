//! A person as expressions see them.

use std::fmt;
use std::sync::Arc;

use cel::Context;
use cel::common::types::{CelList, CelMap};
use cel::common::value::Val;

use super::functions::ENVIRONMENT;
use super::schema::{Content, EMPLOYEE, Record};
use super::values::{map, text};
use crate::domain::facts::Facts;

/// One person's facts, converted once for any number of evaluations.
pub struct Subject {
    pub(super) context: Context<'static, 'static>,
}

impl Subject {
    /// Converts the facts of one person.
    #[must_use]
    pub fn new(facts: &Facts) -> Self {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.add_variable_as_val(EMPLOYEE.path, Box::new(record(&EMPLOYEE, facts)));
        Self { context }
    }
}

/// Says nothing of the person: facts have no place in logs.
impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}

fn record(record: &Record, facts: &Facts) -> CelMap<'static> {
    map(record.fields.iter().map(|field| {
        let value: Box<dyn Val> = match field.content {
            Content::Text { of, .. } => Box::new(text(&of(facts))),
            Content::Texts { of, .. } => Box::new(CelList::from(
                of(facts)
                    .into_iter()
                    .map(|t| Box::new(text(t)) as Box<dyn Val>)
                    .collect::<Vec<_>>(),
            )),
            Content::Map { of, .. } => Box::new(map(of(facts)
                .iter()
                .map(|(k, v)| (k.as_str(), Box::new(text(v)) as Box<dyn Val>)))),
            Content::Record(part) => Box::new(self::record(part, facts)),
        };
        (field.name, value)
    }))
}
