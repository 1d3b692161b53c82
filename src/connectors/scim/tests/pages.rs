use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::paging::{PageRequest, PageShape, Pager};
use crate::domain::account::Completeness;

/// Walks until the end, and returns the ids that were kept, and how many pages it took.
fn walk(
    count: u32,
    mut answer: impl FnMut(PageRequest) -> PageShape,
) -> (Vec<String>, u32, Completeness) {
    let mut pager = Pager::new(count);
    let (mut kept, mut took) = (Vec::new(), 0);
    while let Some(request) = pager.next() {
        took += 1;
        let page = answer(request);
        let fresh = pager.take(&page);
        assert_eq!(fresh.len(), page.ids.len());
        kept.extend(
            page.ids
                .iter()
                .zip(fresh)
                .filter(|(_, new)| *new)
                .filter_map(|(id, _)| id.clone()),
        );
    }
    (kept, took, pager.completeness())
}

fn ids(range: impl Iterator<Item = u64>) -> Vec<Option<String>> {
    range.map(|n| Some(n.to_string())).collect()
}

/// A server as the RFC has it, with `all` records and pages of at most `cap`.
fn proper(all: u64, cap: u64) -> impl FnMut(PageRequest) -> PageShape {
    move |request| {
        let from = request.start - 1;
        let to = all.min(from + u64::from(request.count).min(cap));
        PageShape {
            ids: ids(from..to.max(from)),
            total: Some(all),
            next: None,
        }
    }
}

#[test]
fn walks_through_proper_pages() {
    for (all, cap, pages) in [
        (0, 100, 1),
        (1, 100, 2),
        (100, 100, 2),
        (101, 100, 2),
        (450, 100, 5),
        (450, 30, 15),
    ] {
        let (kept, took, completeness) = walk(100, proper(all, cap));
        assert_eq!((kept.len() as u64, took), (all, pages), "{all} by {cap}");
        assert_eq!(completeness, Completeness::Complete);
    }
}

#[test]
fn ends_where_pages_past_the_end_come_back_full() {
    let mut inner = proper(3, 100);
    let (kept, pages, completeness) = walk(100, |request| {
        inner(if request.start > 3 {
            PageRequest {
                start: 1,
                ..request
            }
        } else {
            request
        })
    });
    assert_eq!((kept.len(), pages), (3, 2));
    assert_eq!(completeness, Completeness::Complete);
}

#[test]
fn ends_where_every_page_is_the_first() {
    let (kept, pages, completeness) = walk(2, |_| PageShape {
        ids: ids(0..2),
        total: Some(10),
        next: None,
    });
    assert_eq!(kept.len(), 2);
    assert!(pages < 10);
    assert_eq!(
        completeness,
        Completeness::Partial("the server announced 10 records and showed 2".into())
    );
}

#[test]
fn a_total_that_is_the_size_of_the_page_is_seen_through() {
    let mut inner = proper(250, 100);
    let (kept, _, completeness) = walk(100, |request| {
        let page = inner(request);
        PageShape {
            total: Some(page.ids.len() as u64),
            ..page
        }
    });
    assert_eq!(kept.len(), 250, "not taken to be over after the first page");
    assert!(
        !completeness.is_complete(),
        "but nothing proves that this was all"
    );
}

#[test]
fn a_server_without_totals_is_read_until_it_has_no_more() {
    let mut inner = proper(250, 100);
    let (kept, pages, completeness) = walk(100, |request| PageShape {
        total: None,
        ..inner(request)
    });
    assert_eq!((kept.len(), pages), (250, 4));
    assert_eq!(completeness, Completeness::Complete);
}

#[test]
fn dropped_rows_and_moving_totals_are_told() {
    let mut inner = proper(10, 100);
    let (_, _, dropped) = walk(100, |request| {
        let mut page = inner(request);
        page.ids.retain(|id| id.as_deref() != Some("4"));
        page
    });
    assert_eq!(
        dropped,
        Completeness::Partial("the server announced 10 records and showed 9".into())
    );
    let mut total = 10;
    let mut inner = proper(10, 5);
    let (_, _, moved) = walk(100, |request| {
        let page = PageShape {
            total: Some(total),
            ..inner(request)
        };
        total = 9;
        page
    });
    assert!(matches!(moved, Completeness::Partial(why) if why.contains("fell from 10 to 9")));
}

#[test]
fn overlapping_pages_give_each_record_once() {
    let (kept, _, completeness) = walk(10, |request| {
        let from = (request.start - 1).saturating_sub(3);
        PageShape {
            ids: ids(from..30.min(from + 10)),
            total: Some(30),
            next: None,
        }
    });
    assert_eq!(kept.len(), 30);
    assert_eq!(completeness, Completeness::Complete);
}

#[test]
fn smaller_pages_can_be_asked_for() {
    let mut pager = Pager::new(5);
    assert!(pager.shrink());
    assert_eq!(
        pager.next(),
        Some(PageRequest {
            start: 1,
            cursor: None,
            count: 2
        })
    );
    assert!(pager.shrink());
    assert!(!pager.shrink());
    assert_eq!(
        pager.next(),
        Some(PageRequest {
            start: 1,
            cursor: None,
            count: 1
        })
    );
}

proptest! {
    /// Whatever a server answers, the walk ends, soon after the last page that brought something
    /// new, keeps each record once, and calls nothing complete that was announced and not shown.
    #[test]
    fn always_ends(
        count in 1_u32..20,
        script in prop::collection::vec((prop::collection::vec(prop::option::weighted(0.9, 0_u8..40), 0..20), prop::option::of(0_u64..60)), 1..30),
    ) {
        let mut at = 0;
        let mut announced = None;
        let (kept, pages, completeness) = walk(count, |_| {
            let (rows, total) = script[at % script.len()].clone();
            at += 1;
            announced = total.or(announced);
            PageShape { ids: rows.into_iter().map(|id| id.map(|n| n.to_string())).collect(), total, next: None }
        });
        let distinct: BTreeSet<_> = kept.iter().collect();
        prop_assert_eq!(distinct.len(), kept.len());
        prop_assert!(pages <= 40 * 3 + 4, "{} pages for at most 40 records", pages);
        if completeness.is_complete() && script.iter().all(|(rows, _)| rows.iter().all(Option::is_some)) {
            prop_assert!(announced.is_none_or(|total| kept.len() as u64 >= total));
        }
    }

    /// Against a proper server every record is seen, whatever the sizes.
    #[test]
    fn sees_all(all in 0_u64..500, cap in 1_u64..120, count in 1_u32..150) {
        let (kept, pages, completeness) = walk(count, proper(all, cap));
        prop_assert_eq!(kept.len() as u64, all);
        prop_assert_eq!(completeness, Completeness::Complete);
        prop_assert!(u64::from(pages) <= all / cap.min(u64::from(count)) + 2);
    }
}

#[test]
fn rows_without_an_identifier_are_told_once() {
    let page = PageShape {
        ids: vec![Some("1".into()), None, None],
        total: Some(3),
        next: None,
    };
    let mut pager = Pager::new(10);
    assert_eq!(pager.take(&page), [true, true, true]);
    assert_eq!(
        pager.take(&page),
        [false, false, false],
        "the page came again"
    );
    assert_eq!(pager.next(), None);
    assert_eq!(pager.completeness(), Completeness::Complete);
}

/// A server that never stops inventing records is stopped.
#[test]
fn is_bounded() {
    let mut next = 0_u64;
    let (_, pages, completeness) = walk(1, |_| {
        next += 1;
        PageShape {
            ids: vec![Some(next.to_string())],
            total: Some(u64::MAX),
            next: None,
        }
    });
    assert_eq!(pages, 20_000);
    assert_eq!(
        completeness,
        Completeness::Partial("the listing was stopped after 20000 pages".into())
    );
}

/// Walks by cursor, and returns the ids that were kept, the cursors that were asked with, and the end.
fn walk_by_cursor(
    count: u32,
    mut answer: impl FnMut(&str) -> PageShape,
) -> (usize, Vec<String>, Completeness) {
    let mut pager = Pager::by_cursor(count);
    let (mut kept, mut asked) = (0, Vec::new());
    while let Some(request) = pager.next() {
        let cursor = request.cursor.unwrap();
        let fresh = pager.take(&answer(&cursor));
        kept += fresh.iter().filter(|new| **new).count();
        asked.push(cursor);
    }
    (kept, asked, pager.completeness())
}

fn page(range: std::ops::Range<u64>, total: Option<u64>, next: Option<&str>) -> PageShape {
    PageShape {
        ids: ids(range),
        total,
        next: next.map(str::to_owned),
    }
}

#[test]
fn follows_cursors_to_the_page_without_one() {
    let (kept, asked, completeness) = walk_by_cursor(2, |cursor| match cursor {
        "" => page(0..2, None, Some("b")),
        "b" => page(0..0, None, Some("c")),
        "c" => page(2..4, None, Some("d")),
        _ => page(4..5, None, Some("")),
    });
    assert_eq!((kept, asked.join(" ").as_str()), (5, " b c d"));
    assert_eq!(completeness, Completeness::Complete);
}

#[test]
fn cursors_that_lead_nowhere_end_the_walk_and_prove_nothing() {
    let (kept, asked, completeness) = walk_by_cursor(2, |_| page(0..2, Some(2), Some("again")));
    assert_eq!((kept, asked.len()), (2, 2));
    assert_eq!(
        completeness,
        Completeness::Partial("the server gave the same cursor twice".into())
    );
    let mut n = 0;
    let (_, asked, completeness) = walk_by_cursor(2, |_| {
        n += 1;
        page(0..2, Some(2), Some(&n.to_string()))
    });
    assert!(
        asked.len() < 110 && !completeness.is_complete(),
        "{}",
        asked.len()
    );
    let long = "x".repeat(5000);
    let (_, asked, completeness) = walk_by_cursor(2, |_| page(0..2, Some(9), Some(&long)));
    assert!(asked.len() == 1 && !completeness.is_complete());
    let mut inner = proper(10, 5);
    let (_, asked, short) = walk_by_cursor(2, |cursor| {
        let next = (cursor.is_empty()).then_some("b");
        page(if cursor.is_empty() { 0..2 } else { 2..4 }, Some(10), next)
    });
    assert_eq!(asked.len(), 2);
    assert_eq!(
        short,
        Completeness::Partial("the server announced 10 records and showed 4".into())
    );
    // It announces cursors, gives none, and pages by index.
    let mut pager = Pager::by_cursor(5);
    let mut kept = 0;
    while let Some(request) = pager.next() {
        let fresh = pager.take(&inner(request));
        kept += fresh.iter().filter(|new| **new).count();
    }
    assert_eq!((kept, pager.completeness()), (10, Completeness::Complete));
}
