//! What a person says that tells which accounts are theirs: the values of the rules of a connector.

use std::collections::BTreeSet;

use super::account::{AttributeValue, ObservedAccount};
use super::cel::Subject;
use super::ids::AttributeName;
use super::policy::Connector;
use super::problem::Problem;

/// One value, and the attribute that an account of the person has it in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Clue {
    /// The attribute; `None` is the user name.
    pub attribute: Option<AttributeName>,
    /// In lower case.
    pub value: Box<str>,
}

/// The clues to a person's accounts in one connector, in the order of its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clues {
    /// None of them empty.
    pub all: Vec<Clue>,
    /// A rule that could not be evaluated: no more is known of the person's accounts.
    pub failed: Option<Problem>,
}

impl Clue {
    /// A value as it is compared.
    #[must_use]
    pub fn normal(value: &str) -> Box<str> {
        value.trim().to_lowercase().into()
    }

    /// The attribute in words.
    #[must_use]
    pub fn attribute_word(&self) -> &str {
        self.attribute
            .as_ref()
            .map_or("username", AttributeName::as_str)
    }
}

/// The clues of a person in a connector.
#[must_use]
pub fn of(connector: &Connector, subject: &Subject) -> Clues {
    let mut clues = Clues::default();
    for (i, (attribute, expression)) in connector.matching.iter().enumerate() {
        match expression.evaluate_text(subject) {
            Ok(value) => {
                let value = Clue::normal(&value);
                if !value.is_empty() {
                    clues.all.push(Clue {
                        attribute: attribute.clone(),
                        value,
                    });
                }
            }
            Err(error) => {
                clues.failed.get_or_insert(Problem::waiting(
                    "MatchingFailed",
                    format!(
                        "AppConnector {}: spec.matching.rules[{i}].equals can't be evaluated for this person, so that it is not known whether there is an account already: {error}",
                        connector.spec.name
                    ),
                ));
            }
        }
    }
    clues
}

/// Whether an account has what a clue says.
#[must_use]
pub fn fits(clue: &Clue, account: &ObservedAccount) -> bool {
    match &clue.attribute {
        Some(attribute) => values(account, attribute).any(|value| value == clue.value),
        None => Clue::normal(account.username.as_str()) == clue.value,
    }
}

/// What people whose account this is would have for clues, by the rules of a connector.
#[must_use]
pub fn of_account(connector: &Connector, account: &ObservedAccount) -> BTreeSet<Clue> {
    let rules = connector.matching.iter();
    let clues = rules.flat_map(|(attribute, _)| {
        let found: Vec<Box<str>> = match attribute {
            Some(attribute) => values(account, attribute).collect(),
            None => vec![Clue::normal(account.username.as_str())],
        };
        found.into_iter().map(|value| Clue {
            attribute: attribute.clone(),
            value,
        })
    });
    clues.collect()
}

/// The values by which an account is found in an attribute.
pub fn values<'a>(
    account: &'a ObservedAccount,
    attribute: &AttributeName,
) -> impl Iterator<Item = Box<str>> + 'a {
    let value = account.attributes.get(attribute);
    let texts: Vec<Box<str>> = match value {
        None => Vec::new(),
        Some(AttributeValue::Text(text)) => vec![Clue::normal(text)],
        Some(AttributeValue::Texts(texts)) => texts.iter().map(|t| Clue::normal(t)).collect(),
        Some(AttributeValue::Integer(number)) => vec![number.to_string().into()],
        Some(AttributeValue::Bool(truth)) => vec![truth.to_string().into()],
        Some(AttributeValue::Account(id)) => vec![Clue::normal(id.as_str())],
    };
    texts.into_iter().filter(|text| !text.is_empty())
}
