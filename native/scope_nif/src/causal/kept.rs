//! The events of a picture, encoded, until somebody wants to see them.

use scope_causal::At;
use scope_causal::Picture;
use scope_event::page::{Page, PageBuilder, Pushed};
use scope_store::Match;
use std::sync::Arc;

/// Bytes of a page before compression: what is decoded to see one event of it.
const BYTES: usize = 64 * 1024;

/// Events in pages, in the order in which they were given.
pub(crate) struct Kept {
    here: Arc<str>,
    descending: bool,
    /// Invariant: ascending, and as many as there are pages: the number of the first event of each.
    firsts: Vec<u32>,
    pages: Vec<Box<[u8]>>,
    open: PageBuilder,
    count: u32,
}

impl Kept {
    pub(super) fn new(here: Arc<str>, descending: bool) -> Self {
        Self {
            here,
            descending,
            firsts: Vec::new(),
            pages: Vec::new(),
            open: PageBuilder::new(descending, BYTES),
            count: 0,
        }
    }

    /// Whether the next event is whole, and is kept.
    pub(super) fn put(&mut self, event: &Match) -> bool {
        let mut pushed = event.put(&mut self.open, &self.here);
        if pushed == Ok(Pushed::Full) {
            self.close();
            pushed = event.put(&mut self.open, &self.here);
        }
        let is_in = pushed == Ok(Pushed::In);
        self.count += u32::from(is_in);
        is_in
    }

    pub(super) fn closed(mut self) -> Self {
        self.close();
        self.pages.shrink_to_fit();
        self
    }

    /// A page that is too large for its form, as one event alone can be, shows none.
    fn close(&mut self) {
        let page = std::mem::replace(&mut self.open, PageBuilder::new(self.descending, BYTES));
        if page.is_empty() {
            return;
        }
        self.firsts.push(self.count - page.len() as u32);
        self.pages.push(page.finish().unwrap_or_default().into());
    }

    /// The events of a picture; none in the place of one that cannot be read.
    pub(crate) fn matches(&self, picture: &Picture, ats: &[At]) -> Vec<Option<Match>> {
        let mut wanted: Vec<_> = (0..)
            .zip(ats)
            .filter_map(|(index, at)| Some((picture.given(*at)?, *at, index)))
            .collect();
        wanted.sort_unstable();
        let mut found = vec![None; ats.len()];
        let page_of = |given: u32| self.firsts.partition_point(|first| *first <= given);
        for of_page in wanted.chunk_by(|one, other| page_of(one.0) == page_of(other.0)) {
            self.of_page(page_of(of_page[0].0), picture, of_page, &mut found);
        }
        found
    }

    fn of_page(
        &self,
        page: usize,
        picture: &Picture,
        wanted: &[(u32, At, usize)],
        found: &mut [Option<Match>],
    ) {
        let Some(page) = page.checked_sub(1) else {
            return;
        };
        let Ok(read) = Page::parse(&self.pages[page]) else {
            return;
        };
        let mut events = Match::of_page(&read);
        let mut next = self.firsts[page];
        for &(given, at, index) in wanted {
            let Some(skip) = given.checked_sub(next) else {
                found[index] = wanted
                    .iter()
                    .find(|other| other.0 == given)
                    .and_then(|other| found[other.2].clone());
                continue;
            };
            let event = events.nth(skip as usize);
            found[index] = event.map(|event| event.with_mono_ns(picture.mono_ns(at)));
            next = given + 1;
        }
    }
}
