//! Places, by table and by any order of events.

use proptest::prelude::*;

use super::*;

fn put(places: &mut Places, id: &str, standing: Standing) -> bool {
    places.put(&id.into(), Some(standing))
}

fn given(places: &Places, ids: &[&str]) -> Vec<String> {
    let has = |id: &&&str| places.answer(&(**id).into()) == Answer::Place;
    ids.iter().filter(has).map(|id| (*id).to_owned()).collect()
}

fn allot(places: &mut Places, max: usize) -> Vec<String> {
    let changed = places.allot(max, &BTreeSet::new());
    changed.iter().map(ToString::to_string).collect()
}

#[test]
fn who_holds_it_keeps_it_and_the_rest_goes_by_id() {
    let mut places = Places::default();
    for id in ["4", "2", "1"] {
        assert!(put(&mut places, id, Standing::Asks));
    }
    put(&mut places, "9", Standing::Holds(None));
    assert_eq!(places.answer(&"1".into()), Answer::Uncounted);
    assert_eq!(allot(&mut places, 3), ["1", "2", "4"]);
    assert_eq!(given(&places, &["1", "2", "4", "9"]), ["1", "2", "9"]);
    let full = Answer::Full { max: 3, taken: 3 };
    assert_eq!(places.answer(&"4".into()), full);
    assert_eq!(places.answer(&"5".into()), Answer::Uncounted);
    assert!(allot(&mut places, 3).is_empty(), "nothing changed");

    // Taking a place that was theirs is no news; giving one back is.
    assert!(!put(&mut places, "1", Standing::Holds(Some("a".into()))));
    assert!(allot(&mut places, 3).is_empty());
    assert!(places.put(&"9".into(), None));
    assert_eq!(allot(&mut places, 3), ["4"]);

    // A lower limit takes nothing from those who hold it.
    assert_eq!(allot(&mut places, 0), ["2", "4"]);
    assert_eq!(given(&places, &["1", "2", "4"]), ["1"]);
    assert_eq!(
        places.answer(&"2".into()),
        Answer::Full { max: 0, taken: 1 }
    );
}

#[test]
fn whoever_is_hindered_gets_what_is_left_over() {
    let mut places = Places::default();
    put(&mut places, "1", Standing::Hindered);
    put(&mut places, "2", Standing::Asks);
    allot(&mut places, 1);
    assert_eq!(given(&places, &["1", "2"]), ["2"]);
    allot(&mut places, 2);
    assert_eq!(given(&places, &["1", "2"]), ["1", "2"]);
    assert!(put(&mut places, "3", Standing::Asks));
    allot(&mut places, 2);
    assert_eq!(given(&places, &["1", "2", "3"]), ["2", "3"]);
    assert!(put(&mut places, "1", Standing::Asks));
    allot(&mut places, 2);
    assert_eq!(given(&places, &["1", "2", "3"]), ["1", "2"]);
}

#[test]
fn holders_whom_nobody_declared_count_and_nobody_counts_twice() {
    let mut places = Places::default();
    put(&mut places, "1", Standing::Holds(Some("a".into())));
    put(&mut places, "2", Standing::Asks);
    let (own, rogue) = (AccountId::new("a"), AccountId::new("r"));
    places.allot(2, &BTreeSet::from([&own]));
    assert_eq!(given(&places, &["2"]), ["2"]);
    places.allot(2, &BTreeSet::from([&own, &rogue]));
    assert_eq!(given(&places, &["2"]).len(), 0);
    assert!(places.put(&"1".into(), None));
    places.allot(2, &BTreeSet::from([&rogue]));
    assert_eq!(given(&places, &["2"]), ["2"]);
}

/// What may happen to one person.
#[derive(Clone, Copy, Debug)]
enum Event {
    Asks,
    Hindered,
    Goes,
    /// Takes the place that was allotted, if one was.
    Takes,
    Allot,
}

fn event() -> impl Strategy<Value = (u8, Event)> {
    let what = prop_oneof![
        Just(Event::Asks),
        Just(Event::Hindered),
        Just(Event::Goes),
        Just(Event::Takes),
        Just(Event::Allot),
    ];
    (0..6_u8, what)
}

proptest! {
    #[test]
    fn no_more_than_there_are_places_and_nobody_loses_one(events in prop::collection::vec(event(), 0..60), max in 0..4_usize) {
        let mut places = Places::default();
        let mut holding: BTreeSet<u8> = BTreeSet::new();
        for (n, event) in events {
            let id = EmployeeId::new(n.to_string());
            match event {
                Event::Asks if !holding.contains(&n) => { places.put(&id, Some(Standing::Asks)); }
                Event::Hindered if !holding.contains(&n) => { places.put(&id, Some(Standing::Hindered)); }
                Event::Goes => {
                    places.put(&id, None);
                    holding.remove(&n);
                }
                Event::Takes if places.answer(&id) == Answer::Place => {
                    places.put(&id, Some(Standing::Holds(None)));
                    holding.insert(n);
                }
                Event::Allot => { places.allot(max, &BTreeSet::new()); }
                _ => {}
            }
            prop_assert!(holding.len() <= max);
            for n in &holding {
                let id = EmployeeId::new(n.to_string());
                prop_assert_eq!(places.answer(&id), Answer::Place);
            }
        }
    }

    #[test]
    fn the_order_in_which_they_come_decides_nothing(
        (standing, order) in prop::collection::vec(0..3_u8, 1..8)
            .prop_flat_map(|all| {
                let order: Vec<usize> = (0..all.len()).collect();
                (Just(all), Just(order).prop_shuffle())
            }),
        max in 0..5_usize,
    ) {
        let answers = |order: &[usize], allots: bool| {
            let mut places = Places::default();
            for n in order {
                let standing = match standing[*n] {
                    0 => Standing::Holds(None),
                    1 => Standing::Asks,
                    _ => Standing::Hindered,
                };
                places.put(&n.to_string().as_str().into(), Some(standing));
                if allots {
                    places.allot(max, &BTreeSet::new());
                }
            }
            places.allot(max, &BTreeSet::new());
            let ids = 0..standing.len();
            ids.map(|n| places.answer(&n.to_string().as_str().into())).collect::<Vec<_>>()
        };
        let sorted: Vec<usize> = (0..standing.len()).collect();
        prop_assert_eq!(answers(&order, true), answers(&sorted, false));
    }
}
