//! Every row of the table of marks and links.

use super::*;
use crate::domain::account::{Activity, Attributes};
use crate::domain::ids::Username;

fn account(id: &str, mark: Option<&str>) -> ObservedAccount {
    ObservedAccount {
        id: id.into(),
        username: Username::new(format!("name-{id}")),
        mark: mark.map(str::to_owned),
        activity: Activity::Active,
        attributes: Attributes::new(),
        unfinished: false,
    }
}

#[test]
fn marks_and_links() {
    let ours = Some("acme/people/1");
    let (a, b) = (account("a", ours), account("b", ours));
    let other = account("c", Some("acme/people/2"));
    let foreign = account("d", Some("acme/staff/1"));
    let bare = account("e", None);
    let odd = account("f", Some("00u-external"));
    for (marked, linked, complete, expected) in [
        (vec![], None, true, Ok("absent")),
        (vec![], None, false, Ok("unknown")),
        (vec![&a], None, false, Ok("a")),
        (vec![&a], Some(&a), true, Ok("a")),
        (vec![], Some(&a), true, Ok("a")),
        (
            vec![&a],
            Some(&b),
            true,
            Err(("MarkAndLinkDisagree", vec!["a", "b"])),
        ),
        (
            vec![&a],
            Some(&bare),
            false,
            Err(("MarkAndLinkDisagree", vec!["a", "e"])),
        ),
        (
            vec![&a, &b],
            None,
            true,
            Err(("SeveralAccountsMarked", vec!["a", "b"])),
        ),
        (
            vec![&a, &b],
            Some(&a),
            true,
            Err(("SeveralAccountsMarked", vec!["a", "b"])),
        ),
        (vec![], Some(&other), true, Err(("MarkMissing", vec!["c"]))),
        (
            vec![],
            Some(&foreign),
            true,
            Err(("MarkMissing", vec!["d"])),
        ),
        (vec![], Some(&bare), true, Err(("MarkMissing", vec!["e"]))),
        (vec![], Some(&odd), false, Err(("MarkMissing", vec!["f"]))),
    ] {
        let scope = Scope::new("acme", "people");
        let found = match_account(&scope, &"1".into(), &marked, linked, complete);
        let told = match &found {
            Match::Absent => Ok("absent"),
            Match::Unknown => Ok("unknown"),
            Match::One(account) => Ok(account.id.as_str()),
            Match::Adoptable(_) | Match::Disowned(_) => unreachable!("{found:?}"),
            Match::Conflict(conflict) => {
                for id in &conflict.candidates {
                    assert!(
                        conflict.message.contains(id.as_str()),
                        "{}",
                        conflict.message
                    );
                }
                let candidates = conflict.candidates.iter().map(AccountId::as_str).collect();
                Err((conflict.reason, candidates))
            }
        };
        assert_eq!(told, expected);
    }
}

#[test]
fn an_identifier_that_is_somebody_elses_is_not_said_to_be_the_persons_account() {
    let scope = Scope::new("acme", "people");
    let stranger = account("7", None);
    let Match::Conflict(conflict) = match_account(&scope, &"1".into(), &[], Some(&stranger), true)
    else {
        panic!("an account without our mark was taken for ours");
    };
    for word in [
        "nothing is done to it",
        "another application",
        "acme/people/1",
    ] {
        assert!(conflict.message.contains(word), "{}", conflict.message);
    }
}
