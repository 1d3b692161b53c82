//! Whether somebody new is likely somebody who left, and was given another `employeeId`.
//!
//! It is told, and nothing else is done about it: two people may have one name, and accounts that were merged by
//! mistake give one of them what is the other's.

use super::facts::Facts;
use super::folded::folded;

/// What two people have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Likeness {
    /// The private e-mail address.
    PersonalEmail,
    /// Given and family name, but for case, accents and punctuation.
    Name,
}

/// What somebody is compared with others by.
#[must_use]
pub fn traits(facts: &Facts) -> Vec<(Likeness, String)> {
    let name = folded(&format!("{}{}", facts.given, facts.family));
    let email = facts.personal_email.trim().to_lowercase();
    let traits = [(Likeness::PersonalEmail, email), (Likeness::Name, name)];
    let said = traits.into_iter().filter(|(_, text)| !text.is_empty());
    said.collect()
}

/// What tells that a newcomer is somebody who left before the newcomer's first day. Whoever has another private
/// e-mail address is a namesake.
#[must_use]
pub fn likeness(newcomer: &Facts, former: &Facts) -> Option<Likeness> {
    let left = former.end.is_some_and(|end| end < newcomer.start);
    let same_id = newcomer.employee_id == former.employee_id;
    if !left || same_id || newcomer.not_formerly.contains(&former.employee_id) {
        return None;
    }
    let (mine, theirs) = (traits(newcomer), traits(former));
    let of = |traits: &[(Likeness, String)], likeness| {
        let found = traits.iter().find(|(one, _)| *one == likeness);
        found.map(|(_, text)| text.clone())
    };
    let pair = |likeness| of(&mine, likeness).zip(of(&theirs, likeness));
    match pair(Likeness::PersonalEmail) {
        Some((a, b)) => (a == b).then_some(Likeness::PersonalEmail),
        None => pair(Likeness::Name)
            .filter(|(a, b)| a == b)
            .map(|_| Likeness::Name),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::fixtures::person;

    fn former() -> Facts {
        Facts {
            end: Some(date(2026, 3, 31)),
            given: "Siobhán".into(),
            family: "O'Brien".into(),
            ..person("1042")
        }
    }

    fn newcomer() -> Facts {
        Facts {
            start: date(2026, 9, 1),
            given: "siobhan".into(),
            family: "OBrien".into(),
            ..person("2001")
        }
    }

    #[test]
    fn somebody_of_the_same_name_who_left_before_is_likely_the_same() {
        assert_eq!(likeness(&newcomer(), &former()), Some(Likeness::Name));
        // Not the other way round.
        assert_eq!(likeness(&former(), &newcomer()), None);
    }

    #[test]
    fn who_was_there_at_the_same_time_is_somebody_else() {
        let still = Facts {
            end: None,
            ..former()
        };
        assert_eq!(likeness(&newcomer(), &still), None);
        let overlaps = Facts {
            end: Some(date(2026, 9, 1)),
            ..former()
        };
        assert_eq!(likeness(&newcomer(), &overlaps), None);
    }

    #[test]
    fn the_private_address_decides_where_both_are_known() {
        let with = |facts: Facts, email: &str| Facts {
            personal_email: email.into(),
            ..facts
        };
        let email = "Siobhan@example.org";
        let (new, old) = (
            with(newcomer(), email),
            with(former(), "siobhan@example.org"),
        );
        assert_eq!(likeness(&new, &old), Some(Likeness::PersonalEmail));
        let married = Facts {
            family: "Walsh".into(),
            ..new.clone()
        };
        assert_eq!(likeness(&married, &old), Some(Likeness::PersonalEmail));
        let namesake = with(newcomer(), "other@example.org");
        assert_eq!(likeness(&namesake, &old), None);
        assert_eq!(likeness(&new, &former()), Some(Likeness::Name));
    }

    #[test]
    fn what_is_ruled_out_by_hand_is_not_told() {
        let ruled_out = Facts {
            not_formerly: Box::new(["1042".into()]),
            ..newcomer()
        };
        assert_eq!(likeness(&ruled_out, &former()), None);
        let others = Facts {
            not_formerly: Box::new(["7".into()]),
            ..newcomer()
        };
        assert_eq!(likeness(&others, &former()), Some(Likeness::Name));
    }

    #[test]
    fn somebody_of_whom_no_name_is_known_is_like_nobody() {
        let unnamed = |facts: Facts| Facts {
            given: "!".into(),
            family: "".into(),
            ..facts
        };
        assert_eq!(likeness(&unnamed(newcomer()), &unnamed(former())), None);
    }
}
