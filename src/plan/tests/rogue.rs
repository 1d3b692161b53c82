//! Memberships that no role gives: told of everywhere, and taken away where roles alone give them.

use super::accounts::{dir, held, settled, verbs};
use super::town::Town;
use crate::domain::fixtures::{connector, template};
use crate::domain::ids::EntitlementName;
use crate::domain::roles::Why;
use crate::plan::Operation;
use crate::plan::guard::Loss;
use crate::plan::operation::ReadKey;

/// Ada is also in `old`, as somebody put her there.
fn town(authoritative: &[&str], protected: &[&str]) -> Town {
    let mut town = settled();
    let mut spec = connector("dir");
    spec.authoritative = authoritative.iter().map(|&name| name.to_owned()).collect();
    spec.protected_entitlements = protected.iter().map(|&name| name.to_owned()).collect();
    town.connect(spec);
    let id = town.account("dir", "1").unwrap().id.clone();
    let old = town.target("dir").groups.get_mut("old").unwrap();
    old.holders.insert(id);
    town.list();
    town
}

#[test]
fn it_is_taken_away_only_where_roles_alone_give_it() {
    for (authoritative, protected, taken) in [
        (&[][..], &[][..], false),
        (&["all", "mkt"], &[], false),
        (&["o*"], &[], true),
        (&["*"], &[], true),
        (&["*"], &["old"], false),
    ] {
        let mut town = town(authoritative, protected);
        let plan = dir(&mut town);
        assert!(plan.rogue.contains("old"), "it is told of anyway");
        assert_eq!(
            plan.taking.clone().unwrap_or_default().is_empty(),
            !taken,
            "{authoritative:?}"
        );
        town.settle("1");
        let left: &[&str] = if taken {
            &["all", "mkt"]
        } else {
            &["all", "mkt", "old"]
        };
        assert_eq!(held(&town), left, "{authoritative:?} {protected:?}");
        assert_eq!(verbs(&mut town), [""; 0]);
    }
}

#[test]
fn the_account_is_read_directly_before() {
    let mut town = town(&["*"], &[]);
    let id = town.account("dir", "1").unwrap().id.clone();
    let plan = dir(&mut town);
    let lost = Loss::Entitlement(EntitlementName::new("old"));
    assert_eq!(plan.taking, Some([lost].into()));
    assert_eq!(
        plan.steps[0].operation,
        Operation::Read(ReadKey::Id(id.clone()))
    );
    town.target("dir").read.insert(id);
    assert_eq!(verbs(&mut town), ["RemoveEntitlements"]);
}

#[test]
fn nothing_is_taken_away_that_may_be_given_all_the_same() {
    // Not everything was seen.
    let mut partial = town(&["*"], &[]);
    partial.target("dir").partial = true;
    assert!(
        dir(&mut partial)
            .taking
            .clone()
            .unwrap_or_default()
            .is_empty()
    );
    let mut holders = town(&["*"], &[]);
    holders.target("dir").holders_partial = true;
    assert!(
        dir(&mut holders)
            .taking
            .clone()
            .unwrap_or_default()
            .is_empty()
    );
    // A template gives it of which nobody knows who holds it.
    let mut broken = town(&["*"], &[]);
    broken.teach(
        template("broken")
            .matching("employee.")
            .giving("dir", &["old"]),
    );
    assert!(
        dir(&mut broken)
            .taking
            .clone()
            .unwrap_or_default()
            .is_empty()
    );
    // A role gave it, and that one's removal takes its own way.
    let mut vanished = town(&["*"], &[]);
    vanished.forget_template("mkt");
    assert!(
        dir(&mut vanished)
            .taking
            .clone()
            .unwrap_or_default()
            .is_empty()
    );
}

/// A person comes before a role that is named for them, as where a namespace is applied again: nothing is remembered by then.
#[test]
fn a_role_that_is_not_there_yet_may_give_it() {
    let mut town = town(&["*"], &[]);
    town.person("1").roles = vec!["late".into()].into();
    assert_eq!(dir(&mut town).taking, Some([].into()));
    town.teach(template("late").giving("dir", &["old"]));
    town.settle("1");
    assert_eq!(held(&town), ["all", "mkt", "old"]);
    // One that another includes is as little there.
    let mut town = self::town(&["*"], &[]);
    town.person("1").roles = vec!["lead".into()].into();
    town.teach(template("lead").including(&["late"]));
    assert_eq!(dir(&mut town).taking, Some([].into()));
}

/// Of two roles in conflict nobody knows which is the person's, where a status was lost; and what is refused beside one that is held
/// is nobody's.
#[test]
fn what_two_roles_in_conflict_give_is_taken_once_one_of_them_is_held() {
    let mut town = town(&["*"], &[]);
    town.teach(
        template("maker")
            .giving("dir", &["all"])
            .conflicting(&["checker"]),
    );
    town.teach(template("checker").including(&["books"]));
    town.teach(template("books").giving("dir", &["old"]));
    town.person("1").roles = vec!["maker".into(), "checker".into()].into();
    assert_eq!(dir(&mut town).taking, Some([].into()));
    town.settle("1");
    assert_eq!(held(&town), ["all", "mkt", "old"]);
    let record = town.records.get_mut("1").unwrap();
    record.roles.insert("maker".into(), Why::Explicit);
    town.settle("1");
    assert_eq!(held(&town), ["all", "mkt"]);
}

#[test]
fn what_is_only_read_is_only_told() {
    let mut town = town(&["*"], &[]);
    town.held.insert("dir".into());
    let plan = dir(&mut town);
    assert_eq!(verbs(&mut town), ["RemoveEntitlements"]);
    assert!(!plan.taking.clone().unwrap_or_default().is_empty());
    town.settle("1");
    assert_eq!(held(&town), ["all", "mkt", "old"]);
}
