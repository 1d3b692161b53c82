//! Accounts that are nobody's: what is due with which of them, by table and at random.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::domain::account::{Activity, Attributes, ObservedAccount};
use crate::domain::fixtures::at;
use crate::domain::ids::{EmployeeId, Username};
use crate::domain::mark::Scope;
use crate::domain::offboarding::{Abilities, Kept};
use crate::domain::orphans::{Consequence, Exception, OrphanPolicy};
use crate::plan::Operation;
use crate::plan::operation::ReadKey;
use crate::plan::orphans::{Certain, Deed, Grounds, Obstacle, Sighting, Stand, decide};

const NOW: &str = "2026-06-15T12:00:00Z";

fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

fn account(username: &str, mark: Option<&str>, activity: Activity) -> ObservedAccount {
    ObservedAccount {
        id: username.into(),
        username: Username::new(username),
        mark: mark.map(str::to_owned),
        activity,
        attributes: Attributes::new(),
        unfinished: false,
    }
}

/// What decides in a table: each test changes one thing.
struct Case {
    policy: OrphanPolicy,
    able: Option<Abilities>,
    certain: Certain,
    complete: bool,
    enforced: bool,
    owners: BTreeSet<EmployeeId>,
    protected: Vec<String>,
}

impl Case {
    fn new(consequence: Consequence) -> Self {
        Self {
            policy: OrphanPolicy {
                consequence,
                after: days(7),
                retain: days(30),
                ..OrphanPolicy::default()
            },
            able: Some(Abilities {
                disable: true,
                delete: true,
                ..Abilities::default()
            }),
            certain: Certain::OfAll,
            complete: true,
            enforced: true,
            owners: BTreeSet::new(),
            protected: Vec::new(),
        }
    }

    fn stands(&self, seen: &[Sighting<'_>]) -> Vec<(String, Stand, Option<Kept>)> {
        let now = at(NOW);
        let spared = self.policy.spared(&self.protected, Some("rollcall"), now);
        let has_owner = |who: &EmployeeId| self.owners.contains(who);
        let grounds = Grounds {
            policy: &self.policy,
            scope: &Scope::new("acme", "people"),
            spared: &spared,
            has_owner: &has_owner,
            certain: self.certain,
            complete: self.complete,
            able: self.able.as_ref(),
            enforced: self.enforced,
            now,
        };
        let found = decide(&grounds, seen.iter().copied());
        let told = found.into_iter();
        told.map(|o| (o.account.username.to_string(), o.stand, o.kept))
            .collect()
    }

    fn stand(&self, account: &ObservedAccount, since: &str) -> Option<Stand> {
        let seen = seen(account, at(since));
        self.stands(&[seen]).first().map(|(_, stand, _)| *stand)
    }
}

fn seen(account: &ObservedAccount, since: Timestamp) -> Sighting<'_> {
    Sighting {
        account,
        since: Some(since),
        claimed: false,
        kept: None,
    }
}

const LONG_AGO: &str = "2026-01-01T00:00:00Z";
const SIX_DAYS: &str = "2026-06-09T12:00:00Z";
const OURS: Option<&str> = Some("acme/people/1");

#[test]
fn which_are_nobodys_and_what_is_due() {
    let open = |mark| account("ada", mark, Activity::Active);
    let disable = Case::new(Consequence::Disable);
    let due = Some(Stand::Due(Deed::Disable));
    assert_eq!(disable.stand(&open(OURS), LONG_AGO), due);
    let grace = Stand::Waits(Deed::Disable, at("2026-06-16T12:00:00Z"));
    assert_eq!(disable.stand(&open(OURS), SIX_DAYS), Some(grace));
    let not_covered = Some(Stand::Kept(Obstacle::NotCovered));
    assert_eq!(disable.stand(&open(None), LONG_AGO), not_covered);
    for foreign in ["acme/staff/1", "other/people/1", "acme/people/1~admin"] {
        assert_eq!(disable.stand(&open(Some(foreign)), LONG_AGO), None);
    }
    let unknown = account("ada", OURS, Activity::Unknown);
    assert_eq!(
        disable.stand(&unknown, LONG_AGO),
        due,
        "never read as disabled"
    );
    let shut = account("ada", OURS, Activity::Disabled);
    assert_eq!(disable.stand(&shut, LONG_AGO), Some(Stand::Shut));

    let with = |change: fn(&mut Case)| {
        let mut case = Case::new(Consequence::Disable);
        change(&mut case);
        case.stand(&open(OURS), LONG_AGO)
    };
    assert_eq!(with(|c| c.policy.undeclared_too = true), due);
    let report = with(|c| c.policy.consequence = Consequence::Report);
    assert_eq!(report, Some(Stand::Reported));
    assert_eq!(with(|c| c.protected = vec!["a?a".to_owned()]), None);
    assert_eq!(with(|c| c.policy.ignore = vec!["A*".to_owned()]), None);
    assert_eq!(with(|c| c.owners = BTreeSet::from(["1".into()])), None);
    let kept = |obstacle| Some(Stand::Kept(obstacle));
    assert_eq!(with(|c| c.complete = false), kept(Obstacle::Incomplete));
    let unknown = with(|c| c.certain = Certain::OfNone);
    assert_eq!(unknown, kept(Obstacle::OwnersUnknown));
    // Whose it was, its mark tells; whose one without is, everybody has to be looked at for.
    assert_eq!(with(|c| c.certain = Certain::OfMarked), due);
    let mut case = Case::new(Consequence::Disable);
    (case.policy.undeclared_too, case.certain) = (true, Certain::OfMarked);
    let stranger = case.stand(&open(None), LONG_AGO);
    assert_eq!(stranger, kept(Obstacle::ClaimsUnknown));
    assert_eq!(with(|c| c.able = None), kept(Obstacle::NotAsked));
    let cannot = with(|c| c.able = Some(Abilities::default()));
    assert_eq!(cannot, kept(Obstacle::NotPossible(Deed::Disable)));
    // What would be done is told as well where nothing is written.
    assert_eq!(with(|c| c.enforced = false), due);

    let mut all = Case::new(Consequence::Disable);
    all.policy.undeclared_too = true;
    assert_eq!(all.stand(&open(None), LONG_AGO), due);
    let account = open(None);
    let claimed = Sighting {
        claimed: true,
        ..seen(&account, at(LONG_AGO))
    };
    assert_eq!(all.stands(&[claimed])[0].1, Stand::Kept(Obstacle::Claimed));
    let unseen = Sighting {
        since: None,
        ..seen(&account, at(LONG_AGO))
    };
    let then = Stand::Waits(Deed::Disable, at("2026-06-22T12:00:00Z"));
    assert_eq!(all.stands(&[unseen])[0].1, then, "its time is not known");
}

#[test]
fn it_is_deleted_after_a_time_disabled_that_begins_when_that_is_the_policy() {
    let shut = account("ada", OURS, Activity::Disabled);
    let delete = Case::new(Consequence::Delete);
    let of = |case: &Case, kept: Option<Kept>| {
        let seen = Sighting {
            kept,
            ..seen(&shut, at(LONG_AGO))
        };
        let (_, stand, kept) = case.stands(&[seen]).remove(0);
        (stand, kept)
    };
    let kept = |since: &str, days_: i64| Kept {
        since: at(since),
        time: days(days_),
    };
    let then = Stand::Waits(Deed::Delete, at("2026-07-15T12:00:00Z"));
    assert_eq!(of(&delete, None), (then, Some(kept(NOW, 30))), "it begins");
    let long = kept("2026-05-01T00:00:00Z", 30);
    assert_eq!(
        of(&delete, Some(long)),
        (Stand::Due(Deed::Delete), Some(long))
    );
    let other = kept("2026-05-01T00:00:00Z", 20);
    assert_eq!(
        of(&delete, Some(other)),
        (then, Some(kept(NOW, 30))),
        "an edit"
    );
    let mut paused = Case::new(Consequence::Delete);
    paused.enforced = false;
    assert_eq!(of(&paused, Some(long)), (then, None), "it does not run");
    let mut keeps = Case::new(Consequence::Delete);
    keeps.able = Some(Abilities {
        disable: true,
        ..Abilities::default()
    });
    let cannot = Stand::Kept(Obstacle::NotPossible(Deed::Delete));
    assert_eq!(of(&keeps, Some(long)).0, cannot);
    // One that somebody opened is disabled first, and its time begins anew.
    let open = account("ada", OURS, Activity::Active);
    let seen = Sighting {
        kept: Some(long),
        ..seen(&open, at(LONG_AGO))
    };
    let (_, stand, kept) = delete.stands(&[seen]).remove(0);
    assert_eq!((stand, kept), (Stand::Due(Deed::Disable), None));
}

#[test]
fn an_exception_that_is_over_spares_nobody() {
    let open = account("svc-1", OURS, Activity::Active);
    let mut case = Case::new(Consequence::Disable);
    let exception = |until: &str| Exception {
        username: "svc-*".to_owned(),
        reason: "backup".to_owned(),
        until: Some(until.parse().unwrap()),
    };
    case.policy.exceptions = vec![exception("2026-06-15")];
    assert_eq!(case.stand(&open, LONG_AGO), None);
    case.policy.exceptions = vec![exception("2026-06-14")];
    assert_eq!(case.stand(&open, LONG_AGO), Some(Stand::Due(Deed::Disable)));
}

/// Four hundred objects are not deleted in one instant, and the guard is to see them as one.
#[test]
fn those_that_become_orphans_together_are_dealt_with_together() {
    let case = Case::new(Consequence::Disable);
    let names: Vec<String> = (0..6).map(|n| format!("p{n}")).collect();
    let accounts: Vec<_> = names
        .iter()
        .map(|name| account(name, Some(&format!("acme/people/{name}")), Activity::Active))
        .collect();
    let due = |minutes: [i64; 6]| {
        let times = minutes.map(|m| at(NOW) - days(7) + SignedDuration::from_mins(m));
        let sightings: Vec<_> = accounts
            .iter()
            .zip(times)
            .map(|(account, since)| seen(account, since))
            .collect();
        let found = case.stands(&sightings);
        let stands: Vec<Option<i64>> = found
            .iter()
            .map(|(_, stand, _)| match stand {
                Stand::Waits(_, then) => Some(then.duration_since(at(NOW)).as_secs() / 60),
                Stand::Due(_) => None,
                other => panic!("{other:?}"),
            })
            .collect();
        stands
    };
    let five = Some(5);
    assert_eq!(due([-5, 0, 1, 2, 3, 5]), [five; 6], "all with the last");
    let none = None;
    assert_eq!(due([-9, -8, -8, -7, -6, 0]), [none; 6], "and then all");
    assert_eq!(
        due([-300, -200, -10, 40, 100, 170]),
        [none, none, Some(100), Some(100), Some(100), Some(170)]
    );
    // A stream of them does not keep the first waiting for ever.
    let hours: Vec<_> = (0..60)
        .map(|n| {
            account(
                &format!("q{n}"),
                Some(&format!("acme/people/q{n}")),
                Activity::Active,
            )
        })
        .collect();
    let stream: Vec<_> = hours
        .iter()
        .zip(0..)
        .map(|(account, n)| {
            seen(
                account,
                at(NOW) - days(9) + SignedDuration::from_mins(59 * n),
            )
        })
        .collect();
    let found = case.stands(&stream);
    let gone = found.iter().filter(|o| o.1 == Stand::Due(Deed::Disable));
    assert_eq!(gone.count(), 25, "those of the first day");
}

#[test]
fn each_is_read_right_before_something_is_done_with_it() {
    let open = account("ada", OURS, Activity::Active);
    let shut = account("ada", OURS, Activity::Disabled);
    let read = Some(Operation::Read(ReadKey::Id("ada".into())));
    for (deed, account, fresh, expected) in [
        (Deed::Disable, &open, false, read.clone()),
        (
            Deed::Disable,
            &open,
            true,
            Some(Operation::Disable("ada".into())),
        ),
        (Deed::Disable, &shut, false, read.clone()),
        (Deed::Disable, &shut, true, None),
        (Deed::Delete, &shut, false, read),
        (
            Deed::Delete,
            &shut,
            true,
            Some(Operation::Delete("ada".into())),
        ),
        (Deed::Delete, &open, true, None),
    ] {
        assert_eq!(deed.next(account, fresh), expected, "{deed:?} {fresh}");
    }
}

#[derive(Clone, Debug)]
struct Random {
    username: String,
    mark: Option<String>,
    activity: Activity,
    since: Option<i64>,
    claimed: bool,
    kept: Option<(i64, i64)>,
}

fn random() -> impl Strategy<Value = Random> {
    let marks = [
        None,
        Some("acme/people/1"),
        Some("acme/people/2"),
        Some("acme/people/1~admin"),
        Some("acme/staff/1"),
        Some("x"),
    ];
    let activities = [Activity::Active, Activity::Disabled, Activity::Unknown];
    (
        "(svc|own|ada|bob)-[0-2]",
        prop::sample::select(marks.to_vec()),
        prop::sample::select(activities.to_vec()),
        prop::option::of(0..40_i64),
        any::<bool>(),
        prop::option::of((0..60_i64, 29..31_i64)),
    )
        .prop_map(|(username, mark, activity, since, claimed, kept)| Random {
            username,
            mark: mark.map(str::to_owned),
            activity,
            since,
            claimed,
            kept,
        })
}

proptest! {
    #[test]
    fn nothing_is_due_with_an_account_that_is_not_to_be_touched(
        all in prop::collection::vec(random(), 0..12),
        consequence in prop::sample::select(vec![Consequence::Report, Consequence::Disable, Consequence::Delete]),
        (undeclared_too, complete, enforced, owned) in any::<(bool, bool, bool, bool)>(),
        certain in prop::sample::select(vec![Certain::OfAll, Certain::OfMarked, Certain::OfNone]),
    ) {
        let mut case = Case::new(consequence);
        case.policy.undeclared_too = undeclared_too;
        case.policy.ignore = vec!["svc-*".to_owned()];
        case.protected = vec!["own-?".to_owned()];
        (case.complete, case.certain, case.enforced) = (complete, certain, enforced);
        if owned {
            case.owners.insert("1".into());
        }
        let accounts: Vec<_> = all
            .iter()
            .map(|one| account(&one.username, one.mark.as_deref(), one.activity))
            .collect();
        let now = at(NOW);
        let sightings: Vec<_> = all
            .iter()
            .zip(&accounts)
            .map(|(one, account)| Sighting {
                account,
                since: one.since.map(|ago| now - days(ago)),
                claimed: one.claimed,
                kept: one.kept.map(|(ago, time)| Kept { since: now - days(ago), time: days(time) }),
            })
            .collect();
        // One at a time, so that it is known which: together they may only wait longer.
        for (one, sighting) in all.iter().zip(&sightings) {
            let alone = case.stands(&[*sighting]);
            let stand = alone.first().map(|(_, stand, _)| *stand);
            let Some(Stand::Due(deed)) = stand else { continue };
            let is_ours = matches!(one.mark.as_deref(), Some("acme/people/1" | "acme/people/2"));
            let is_nobodys = matches!(one.mark.as_deref(), None | Some("x"));
            prop_assert!(consequence != Consequence::Report);
            prop_assert!(is_ours || (is_nobodys && undeclared_too));
            prop_assert!(!(owned && one.mark.as_deref() == Some("acme/people/1")));
            prop_assert!(!one.username.starts_with("svc") && !one.username.starts_with("own"));
            prop_assert!(complete && certain != Certain::OfNone && !one.claimed);
            prop_assert!(is_ours || certain == Certain::OfAll);
            prop_assert!(one.since.is_some_and(|ago| ago >= 7));
            if deed == Deed::Delete {
                prop_assert!(consequence == Consequence::Delete && enforced);
                prop_assert!(one.activity == Activity::Disabled);
                prop_assert!(one.kept.is_some_and(|(ago, time)| time == 30 && ago >= 30));
            } else {
                prop_assert!(one.activity != Activity::Disabled);
            }
        }
        let together = case.stands(&sightings);
        let due = |found: &[(String, Stand, Option<Kept>)]| {
            found.iter().filter(|o| matches!(o.1, Stand::Due(_))).count()
        };
        let alone: usize = sightings.iter().map(|one| due(&case.stands(&[*one]))).sum();
        prop_assert!(due(&together) <= alone);
    }
}
