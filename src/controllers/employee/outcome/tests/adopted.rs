//! An account that was taken over, or let go of.

use super::*;
use crate::domain::problem::NOT_APPLIED;

fn adopt(desk: &Desk) -> Operation {
    Operation::Adopt {
        id: "a".into(),
        mark: desk.scope.mark(&ME.into()),
    }
}

fn disown(desk: &Desk) -> Operation {
    Operation::Disown {
        id: "a".into(),
        mark: desk.scope.mark(&ME.into()),
    }
}

/// An account that was there before.
fn found() -> Desk {
    let mut desk = Desk::new();
    desk.inventory.saw(account("a", "ada", None), true);
    desk
}

fn is_ours(desk: &Desk) -> Vec<String> {
    let ours = desk.inventory.by_mark(&ME.into());
    ours.iter().map(|account| account.id.to_string()).collect()
}

#[test]
fn one_that_shows_the_mark_is_ours_at_once() {
    let mut desk = found();
    let (operation, mark) = (adopt(&desk), desk.mark());
    let shown = account("a", "ada", Some(&mark));
    desk.take(operation, Ok(Effect::Marked(Some(shown))));
    assert_eq!(is_ours(&desk), ["a"]);
    assert!(desk.failure("Adopt").is_none() && !desk.person.unsettled.in_doubt.contains("dir"));

    // Where the mark is a part of what identifies it, it is not there twice.
    let mut desk = found();
    let (operation, mark) = (adopt(&desk), desk.mark());
    let shown = account(&mark, "ada", Some(&mark));
    desk.take(operation, Ok(Effect::Marked(Some(shown))));
    assert_eq!(is_ours(&desk), [mark]);
    assert_eq!(desk.inventory.sizes().0, 1);
}

#[test]
fn one_that_does_not_show_it_is_read_or_told() {
    // Nothing is shown: a direct read tells.
    let mut desk = found();
    let operation = adopt(&desk);
    desk.take(operation, Ok(Effect::Marked(None)));
    assert_eq!(is_ours(&desk), ["a"]);
    assert!(desk.person.unsettled.in_doubt.contains("dir"));
    assert!(!desk.inventory.read_directly(&"a".into()));
    let read = Operation::Read(ReadKey::Id("a".into()));
    desk.take(read, Ok(Effect::Read(vec![account("a", "ada", None)])));
    assert_eq!(is_ours(&desk), [""; 0]);
    // Once more, and it is not believed again.
    let operation = adopt(&desk);
    desk.take(operation, Ok(Effect::Marked(None)));
    assert_eq!(desk.failure("Adopt").unwrap().reason, NOT_APPLIED);

    // It is shown without the mark.
    let mut desk = found();
    let operation = adopt(&desk);
    let shown = account("a", "ada", Some("00u1"));
    desk.take(operation, Ok(Effect::Marked(Some(shown))));
    assert_eq!(desk.failure("Adopt").unwrap().reason, MARK_NOT_KEPT);
    assert_eq!(is_ours(&desk), [""; 0]);
    assert!(desk.mark_dropped.is_none(), "none was made");
}

#[test]
fn a_lost_answer_is_looked_for_by_the_mark() {
    let mut desk = found();
    let operation = adopt(&desk);
    let lost = ConnectorError::new(ErrorKind::OutcomeUnknown, "no answer");
    desk.take(operation, Err(lost));
    assert!(desk.person.unsettled.in_doubt.contains("dir"));
    // It never arrived: the account is as it was, and nobody takes it for one that we made.
    let read = Operation::Read(ReadKey::MarkOrUsername(desk.scope.mark(&ME.into()), None));
    desk.take(read, Ok(Effect::Read(Vec::new())));
    assert!(!desk.person.unsettled.in_doubt.contains("dir"));
    assert!(desk.mark_dropped.is_none());
    assert!(desk.person.record.accounts.is_empty());
}

#[test]
fn one_that_was_let_go_of_is_nothing_of_the_persons() {
    for shown in [None, Some(account("a", "ada", None))] {
        let mut desk = Desk::new();
        let mark = desk.mark();
        desk.inventory.saw(account("a", "ada", Some(&mark)), true);
        let record = &mut desk.person.record.accounts;
        record.entry("dir".into()).or_default().id = Some("a".into());
        let operation = disown(&desk);
        desk.take(operation, Ok(Effect::Marked(shown)));
        assert_eq!(is_ours(&desk), [""; 0]);
        assert!(desk.person.record.accounts.is_empty());
        assert!(desk.inventory.by_id(&"a".into()).is_some());
    }
    let mut desk = Desk::new();
    let mark = desk.mark();
    let still = account("a", "ada", Some(&mark));
    desk.inventory.saw(still.clone(), true);
    let operation = disown(&desk);
    desk.take(operation, Ok(Effect::Marked(Some(still))));
    assert_eq!(desk.failure("Disown").unwrap().reason, NOT_APPLIED);
    assert_eq!(is_ours(&desk), ["a"]);
}
