//! Paging through a list, by index (RFC 7644 section 3.4.2.4) or by cursor (RFC 9865), as a state machine
//! without I/O.
//!
//! Servers cap pages, repeat them, overlap them, and answer a page past the end with the first one
//! again. Whatever they do, this ends, keeps each record once, and knows whether it saw all of them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::domain::account::Completeness;

/// Pages of one list, at most. With the smallest useful page that is still more than a million
/// records.
const MAX_PAGES: u32 = 20_000;
/// Pages in a row that may bring nothing new before the server is taken to repeat itself.
const MAX_STALE_PAGES: u32 = 3;
/// The same by cursor, where an empty page with another cursor after it is no repetition.
const MAX_STALE_PAGES_BY_CURSOR: u32 = 100;
/// Longest cursor that is sent back, in bytes: more would not fit into an address everywhere.
const MAX_CURSOR: usize = 4096;

/// Where the next page begins, and how many records to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Index of the first record, counted from 1, as far as records were shown so far.
    pub start: u64,
    /// The cursor to ask with in place of the index, where there are cursors. Empty for the first page.
    pub cursor: Option<String>,
    /// How many records.
    pub count: u32,
}

/// What a page held, as far as paging cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageShape {
    /// Identifier of each row, in order; `None` for a row without one.
    pub ids: Vec<Option<String>>,
    /// `totalResults`, where the server gave it.
    pub total: Option<u64>,
    /// `nextCursor`, where the server gave one.
    pub next: Option<String>,
}

/// State of a walk through one list.
#[derive(Debug)]
pub struct Pager {
    start: u64,
    cursor: Option<String>,
    /// Cursors that were given, as hashes.
    given: HashSet<u64>,
    count: u32,
    seen: HashSet<String>,
    nameless: u64,
    total: Option<u64>,
    total_shrank: Option<(u64, u64)>,
    total_is_whole: bool,
    pages: u32,
    stale: u32,
    end: Option<End>,
}

/// How the walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All that the server announced was seen.
    Counted,
    /// The server had nothing more to show.
    Exhausted,
    /// More pages than anyone could want.
    TooLong,
    /// The server gave a cursor that leads nowhere.
    Astray(&'static str),
}

impl Pager {
    /// Begins a walk with pages of this size.
    #[must_use]
    pub fn new(count: u32) -> Self {
        Self {
            start: 1,
            cursor: None,
            given: HashSet::new(),
            count: count.max(1),
            seen: HashSet::new(),
            nameless: 0,
            total: None,
            total_shrank: None,
            total_is_whole: false,
            pages: 0,
            stale: 0,
            end: None,
        }
    }

    /// Begins a walk by cursor.
    #[must_use]
    pub fn by_cursor(count: u32) -> Self {
        Self {
            cursor: Some(String::new()),
            ..Self::new(count)
        }
    }

    /// The page to ask for, or `None` when the walk is over.
    #[must_use]
    pub fn next(&self) -> Option<PageRequest> {
        self.end.is_none().then_some(PageRequest {
            start: self.start,
            cursor: self.cursor.clone(),
            count: self.count,
        })
    }

    /// Takes in a page. The answer says for each row whether it is new.
    pub fn take(&mut self, page: &PageShape) -> Vec<bool> {
        self.pages += 1;
        self.note_total(page);
        let named: Vec<Option<bool>> = page
            .ids
            .iter()
            .map(|id| id.as_ref().map(|id| self.seen.insert(id.clone())))
            .collect();
        let fresh = named.contains(&Some(true));
        // On a page that only repeats others, a row without an identifier is a repetition too.
        let nameless_are_new = fresh || !named.contains(&Some(false));
        let keep: Vec<bool> = named
            .iter()
            .map(|new| new.unwrap_or(nameless_are_new))
            .collect();
        self.nameless += named
            .iter()
            .zip(&keep)
            .filter(|(new, kept)| new.is_none() && **kept)
            .count() as u64;
        let rows = page.ids.len() as u64;
        self.start = self.start.saturating_add(rows);
        self.stale = if fresh { 0 } else { self.stale + 1 };
        self.end = if self.cursor.is_some() {
            self.follow(page.next.as_deref(), rows, fresh)
        } else {
            self.decide(rows, fresh)
        };
        keep
    }

    /// Asks for smaller pages from here on, as the last one was too large to be taken in. `false`
    /// when pages can't get smaller.
    pub fn shrink(&mut self) -> bool {
        let smaller = self.count > 1;
        self.count = (self.count / 2).max(1);
        smaller
    }

    /// Whether the walk saw everything.
    #[must_use]
    pub fn completeness(&self) -> Completeness {
        let shown = self.shown();
        if let Some((before, after)) = self.total_shrank {
            return Completeness::Partial(format!(
                "the number of records fell from {before} to {after} while they were listed"
            ));
        }
        match (self.end, self.total) {
            (None, _) => Completeness::Partial("the listing was not finished".to_owned()),
            (Some(End::TooLong), _) => {
                Completeness::Partial(format!("the listing was stopped after {MAX_PAGES} pages"))
            }
            (Some(End::Astray(why)), _) => Completeness::Partial(why.to_owned()),
            (Some(_), Some(total)) if shown < total => Completeness::Partial(format!(
                "the server announced {total} records and showed {shown}"
            )),
            _ => Completeness::Complete,
        }
    }

    fn shown(&self) -> u64 {
        self.seen.len() as u64 + self.nameless
    }

    fn note_total(&mut self, page: &PageShape) {
        let Some(total) = page.total else { return };
        match self.total {
            // A list that grows while it is read is whole once all that was announced last was seen.
            // From one that shrinks, rows may have moved to pages already read past.
            Some(before) if before > total => self.total_shrank = Some((before, total)),
            _ => {}
        }
        // Some servers put the size of the page there. Only a total beyond the page proves otherwise.
        self.total_is_whole |= total > page.ids.len() as u64;
        self.total = Some(total);
    }

    fn decide(&self, rows: u64, fresh: bool) -> Option<End> {
        let all_seen = self.total.is_some_and(|total| self.shown() >= total);
        if rows == 0 || (!fresh && (self.total.is_none() || all_seen || self.past_the_end())) {
            return Some(End::Exhausted);
        }
        if all_seen && self.total_is_whole {
            return Some(End::Counted);
        }
        if self.stale >= MAX_STALE_PAGES {
            return Some(End::Exhausted);
        }
        (self.pages >= MAX_PAGES).then_some(End::TooLong)
    }

    /// Goes on by cursor. A page without one is the last (RFC 9865 section 2).
    fn follow(&mut self, next: Option<&str>, rows: u64, fresh: bool) -> Option<End> {
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            let more = self.total.is_some_and(|total| self.shown() < total);
            if self.pages == 1 && more {
                // It announces cursors, and gives none.
                self.cursor = None;
                return self.decide(rows, fresh);
            }
            return Some(End::Exhausted);
        };
        if next.len() > MAX_CURSOR {
            return Some(End::Astray("the server gave a cursor that is too long"));
        }
        let mut hash = DefaultHasher::new();
        next.hash(&mut hash);
        if !self.given.insert(hash.finish()) {
            return Some(End::Astray("the server gave the same cursor twice"));
        }
        if self.stale >= MAX_STALE_PAGES_BY_CURSOR {
            return Some(End::Astray(
                "the server gave one cursor after another, and nothing new",
            ));
        }
        self.cursor = Some(next.to_owned());
        (self.pages >= MAX_PAGES).then_some(End::TooLong)
    }

    fn past_the_end(&self) -> bool {
        self.total.is_some_and(|total| self.start > total)
    }
}
