//! When two values in groups stand for the same member: by the rule of equality that the schema has for them
//! (RFC 4517 section 4.2). User names in groups of numbers compare with case (RFC 2307 section 3), unlike the
//! user names of accounts.

use super::LdapConnector;
use super::config::{Groups, MemberForm};
use super::dn;

/// How values that stand for members compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberRule {
    /// As names of entries.
    Dn,
    /// As they are written.
    Exact,
    /// Without case.
    Caseless,
}

impl MemberRule {
    /// The same text for all values that stand for the same member.
    pub(super) fn key(self, value: &str) -> String {
        match self {
            Self::Dn => dn::key(value),
            Self::Exact => value.to_owned(),
            Self::Caseless => value.to_lowercase(),
        }
    }
}

impl LdapConnector {
    /// How members of groups compare here. Where the schema was not read, as its authors wrote it.
    pub(super) fn member_rule(&self, groups: &Groups) -> MemberRule {
        let known = *super::locked(&self.known);
        match groups.form {
            MemberForm::Dn => MemberRule::Dn,
            MemberForm::Username if known.is_some_and(|known| known.caseless_members) => {
                MemberRule::Caseless
            }
            MemberForm::Username => MemberRule::Exact,
        }
    }
}

/// Whether values of an attribute compare without case, by definitions of a schema (RFC 4512 section 4.1.2). What
/// has no rule of its own has that of the attribute that it is derived from.
pub(super) fn is_caseless(attribute: &str, definition_of: impl Fn(&str) -> Option<String>) -> bool {
    let mut name = attribute.to_owned();
    // A schema may be wrong, and lead round in circles.
    for _ in 0..8 {
        let Some(definition) = definition_of(&name) else {
            return false;
        };
        let after = |key: &str| {
            let mut words = definition.split_whitespace();
            words.find(|word| *word == key)?;
            words.next().map(str::to_ascii_lowercase)
        };
        if let Some(rule) = after("EQUALITY") {
            return rule.starts_with("caseignore") || rule == "2.5.13.2";
        }
        match after("SUP") {
            Some(superior) => name = superior,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_says_whether_case_counts() {
        let definitions = [
            (
                "memberuid",
                "( 1.3.6.1.1.1.1.12 NAME 'memberUid' EQUALITY caseExactIA5Match )",
            ),
            (
                "login",
                "( 1.2.3 NAME 'login' EQUALITY caseIgnoreIA5Match )",
            ),
            ("name", "( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch )"),
            ("nick", "( 1.2.4 NAME 'nick' SUP name )"),
            ("egg", "( 1.2.5 NAME 'egg' SUP hen )"),
            ("hen", "( 1.2.6 NAME 'hen' SUP egg )"),
            ("loose", "( 1.2.7 NAME 'loose' )"),
        ];
        let definition_of = |name: &str| {
            let found = definitions.iter().find(|(known, _)| *known == name);
            found.map(|(_, definition)| (*definition).to_owned())
        };
        for (attribute, caseless) in [
            ("memberuid", false),
            ("login", true),
            ("nick", true),
            ("egg", false),
            ("loose", false),
            ("unknown", false),
        ] {
            assert_eq!(
                is_caseless(attribute, definition_of),
                caseless,
                "{attribute}"
            );
        }
    }

    #[test]
    fn keys_are_the_same_for_the_same_member_alone() {
        assert_ne!(MemberRule::Exact.key("Ada"), MemberRule::Exact.key("ada"));
        assert_eq!(
            MemberRule::Caseless.key("Ada"),
            MemberRule::Caseless.key("ada")
        );
        assert_eq!(
            MemberRule::Dn.key("UID=Ada, dc=x"),
            MemberRule::Dn.key("uid=ada,dc=x")
        );
    }
}
