//! What a listing left out: looked for before anything is concluded.

use super::accounts::{dir, settled, town, verbs};
use crate::domain::account::Activity;
use crate::domain::record::Record;
use crate::plan::Lane;

#[test]
fn a_recorded_account_that_a_listing_lacks_is_read_before_it_is_forgotten() {
    for leaves in [false, true] {
        let mut town = settled();
        let id = town.account("dir", "1").unwrap().id.clone();
        if leaves {
            town.person("1").end = Some(jiff::civil::date(2026, 6, 14));
        }
        // The listing says that it is complete, and shows the account no more.
        town.target("dir").unlisted.insert(id.clone());
        assert_eq!(verbs(&mut town), ["Read"], "leaves: {leaves}");
        let look = town.look("1");
        assert_eq!(
            look.plan.record.accounts[&"dir".into()].id.as_ref(),
            Some(&id),
            "leaves: {leaves}: forgotten unread"
        );
        town.settle("1");
        assert_eq!(town.targets["dir"].accounts.len(), 1, "leaves: {leaves}");
        let account = town.account("dir", "1").unwrap();
        assert_eq!(account.activity == Activity::Disabled, leaves);
        // And once it is gone indeed, that is all that is remembered of a leaver's.
        town.target("dir").accounts.clear();
        for group in town.target("dir").groups.values_mut() {
            group.holders.clear();
        }
        town.list();
        town.settle("1");
        let recorded = &town.record("1").accounts[&"dir".into()];
        assert_eq!(recorded.id.is_none(), leaves);
        assert_eq!(recorded.grants.is_empty(), leaves);
        assert_eq!(recorded.offboarding.is_some(), leaves);
    }
}

#[test]
fn a_lost_status_and_a_partial_listing_leave_no_leaver_open() {
    for role_is_gone in [false, true] {
        let mut town = settled();
        let id = town.account("dir", "1").unwrap().id.clone();
        town.person("1").end = Some(jiff::civil::date(2026, 6, 14));
        town.records.insert("1".into(), Record::default());
        if role_is_gone {
            town.forget_template("mkt");
        }
        let target = town.target("dir");
        target.partial = true;
        target.hidden.insert(id.clone());
        // Nothing but the mark is left to find it by.
        assert_eq!(verbs(&mut town), ["Read"], "role is gone: {role_is_gone}");
        assert_eq!(dir(&mut town).steps[0].lane, Lane::Drift);
        town.settle("1");
        let account = town.account("dir", "1").unwrap();
        assert_eq!(account.activity, Activity::Disabled);
        assert!(
            town.record("1").accounts[&"dir".into()]
                .verified_disabled
                .is_some()
        );
    }
}

#[test]
fn someone_without_an_account_is_looked_for_once_after_a_partial_listing() {
    let mut town = town();
    town.person("1").end = Some(jiff::civil::date(2026, 6, 14));
    town.target("dir").put("someone", None);
    town.target("dir").partial = true;
    assert_eq!(verbs(&mut town), ["Read"]);
    town.settle("1");
    assert_eq!(verbs(&mut town), [""; 0]);
    assert!(town.record("1").accounts.is_empty());
    town.list();
    assert_eq!(verbs(&mut town), ["Read"], "the next listing is another");
}
