//! A target refuses to rename an account.

use super::*;

fn rename(desk: &mut Desk, name: &str, kind: ErrorKind) {
    let changes = AttributeChanges {
        username: Some(Username::new(name)),
        ..AttributeChanges::default()
    };
    let id = AccountId::new("a1");
    let error = ConnectorError::new(kind, "in use");
    desk.take(
        Operation::Update {
            id,
            changes,
            gives_back: false,
        },
        Err(error),
    );
}

/// Somebody whose account is called `ada`, as is remembered.
fn desk() -> Desk {
    let mut desk = Desk::new();
    let record = &mut desk.person.record.accounts;
    let account = record.entry(desk.connector.clone()).or_default();
    account.id = Some(AccountId::new("a1"));
    account.username = Some(Username::new("ada"));
    desk
}

#[test]
fn another_name_is_tried_a_few_times_where_a_new_one_is_taken() {
    let mut desk = desk();
    for name in ["ada.king", "ada.king2"] {
        rename(&mut desk, name, ErrorKind::Taken);
        assert!(desk.names.refused.contains(&Username::new(name)));
        assert!(desk.failure("Update").is_none());
    }
    // Perhaps another value is taken: that is told then.
    rename(&mut desk, "ada.king3", ErrorKind::Taken);
    assert!(!desk.names.refused.contains(&Username::new("ada.king3")));
    assert_eq!(desk.failure("Update").unwrap().reason, "AlreadyTaken");
}

#[test]
fn a_name_that_is_only_put_back_stays_its_bearers() {
    let mut desk = desk();
    rename(&mut desk, "ada", ErrorKind::Taken);
    assert!(desk.names.refused.is_empty());
    assert_eq!(desk.failure("Update").unwrap().reason, "AlreadyTaken");
}

#[test]
fn another_refusal_says_nothing_of_the_name() {
    let mut desk = desk();
    rename(&mut desk, "ada.king", ErrorKind::Invalid);
    assert!(desk.names.refused.is_empty() && desk.failure("Update").is_some());
}
