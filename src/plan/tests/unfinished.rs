//! What was begun and not seen to end: an answer that was lost, a change that was cut off.

use super::accounts::{Deed, dir, one_step, settled, town, verbs};
use super::target::Fate;

#[test]
fn a_lost_answer_is_read_back_and_never_repeated_blind() {
    for fate in [Fate::AnswerLost, Fate::RequestLost] {
        let mut town = town();
        town.target("dir").next_write = fate;
        one_step(&mut town);
        assert_eq!(verbs(&mut town), ["Read"], "{fate:?}");
        town.settle("1");
        assert_eq!(town.targets["dir"].accounts.len(), 1, "{fate:?}");
        assert!(dir(&mut town).is_settled());
    }
}

/// A change that was cut off half way is finished, also where nothing else is to be changed, and whoever it is about:
/// after whatever is more urgent.
#[test]
fn what_was_cut_off_is_finished() {
    for (deed, wanted) in [
        ((|_| {}) as Deed, &["Update"][..]),
        (|t| t.person("1").job_title = "Boss".into(), &["Update"]),
        (
            |t| t.person("1").end = Some(jiff::civil::date(2026, 6, 14)),
            &["Disable", "RemoveEntitlements", "Update"],
        ),
    ] {
        let mut town = settled();
        let id = town.account("dir", "1").unwrap().id.clone();
        town.target("dir").accounts.get_mut(&id).unwrap().unfinished = true;
        deed(&mut town);
        assert_eq!(verbs(&mut town), wanted);
        town.settle("1");
        assert_eq!(verbs(&mut town), [""; 0]);
        assert!(!town.account("dir", "1").unwrap().unfinished);
    }
}
