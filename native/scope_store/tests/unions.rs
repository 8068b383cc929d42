//! Several stores read as one, against a plain scan of all events.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::cases;
use common::naive::{Event, scan};
use common::random::{FILTERS, Filled, Rng, Size};
use scope_event::page::{Page, PageBuilder, Pushed};
use scope_event::{Interner, Kind, Origin, RawEvent, SymbolTable};
use scope_store::{Config, Cursor, Fed, FeedError, Match, Order, Query, Ranges, Store, Union};
use scope_sync::{Holdings, Outcome};
use std::sync::Arc;

/// A store with what was split off for it, and how far its pages were read.
struct Member {
    store: Store,
    after: Option<Cursor>,
    more: bool,
    bytes: usize,
}

impl Member {
    fn new(node: &str) -> Self {
        let interner = Arc::new(Interner::new(Arc::new(SymbolTable::new(node))));
        let config = Config {
            retention_age: std::time::Duration::MAX,
            ..Config::new(Origin::new(node, 1))
        };
        Self {
            store: Store::open(config, interner).unwrap(),
            after: None,
            more: true,
            bytes: 0,
        }
    }

    /// The next page, fed.
    fn feed(&mut self, at: usize, union: &mut Union, query: &Query) {
        let query = Query {
            after: self.after.clone(),
            ..query.clone()
        };
        let answer = self.store.page(&query, self.bytes);
        let read = Page::parse(&answer.page).unwrap();
        assert_eq!(read.len(), answer.count);
        assert!(answer.count > 0 || !answer.more || answer.cursor != query.after);
        let fed = Fed {
            page: &answer.page,
            more: answer.more,
            dropped: answer.dropped,
            expired: answer.expired,
        };
        union.feed(at, fed).unwrap();
        (self.after, self.more) = (answer.cursor, answer.more);
    }
}

/// Gives each block to some of the members, and to one at least.
fn split(rng: &mut Rng, from: &Store, members: &[&Store]) {
    from.close_now();
    for origin in (&from).origins() {
        for block in (&from).blocks(&origin, 1, u64::MAX, usize::MAX) {
            let bytes = (&from).read(&block).unwrap();
            let chosen = rng.below(members.len() as u64) as usize;
            for (at, member) in members.iter().enumerate() {
                if at == chosen || rng.one_in(3) {
                    assert_eq!((&mut &**member).insert(&bytes), Outcome::Stored);
                }
            }
        }
    }
}

struct Case {
    all: Vec<Event>,
    here: Store,
    members: Vec<Member>,
    query: Query,
}

fn random_case(rng: &mut Rng) -> Case {
    let filled = Filled::with(rng, Size::SMALL);
    let names = ["x@host", "y@host", "z@host"];
    let count = rng.below(4) as usize;
    let here = Member::new("here@host").store;
    let mut members: Vec<Member> = names[..count]
        .iter()
        .map(|name| Member::new(name))
        .collect();
    let stores = std::iter::once(&here).chain(members.iter().map(|member| &member.store));
    split(rng, &filled.store, &stores.collect::<Vec<_>>());
    for member in &mut members {
        member.bytes = 1 + rng.below(3_000) as usize;
    }
    let mut query = Query::default();
    for filter in 0..FILTERS {
        // The limit is left to who asks; pages have their own.
        if filter != 9 && rng.one_in(5) {
            filled.add_filter(rng, filter, &mut query);
        }
    }
    Case {
        all: filled.events,
        here,
        members,
        query,
    }
}

/// All that comes out, a few at a time, and what was lost.
fn run(rng: &mut Rng, case: &mut Case) -> (Vec<Match>, u64) {
    let mut query = case.query.clone();
    query.limit = 1 + rng.below(40) as usize;
    query.max_blocks = 1 + rng.below(4) as usize;
    let mut union = Union::new(query.clone(), case.members.len());
    for member in &mut case.members {
        member.after = query.after.clone();
    }
    let mut events = Vec::new();
    loop {
        let most = 1 + rng.below(50) as usize;
        let step = union.next(&case.here, most);
        assert!(step.events.len() <= most);
        events.extend(step.events);
        if step.done {
            assert!(step.need.is_empty());
            return (events, union.dropped());
        }
        for at in step.need {
            case.members[at].feed(at, &mut union, &query);
            if case.members[at].more && rng.one_in(2) {
                case.members[at].feed(at, &mut union, &query);
            }
        }
    }
}

#[test]
fn a_union_is_one_store_with_all_events() {
    for seed in 0..cases(1_000) {
        let mut rng = Rng::new(seed);
        let mut case = random_case(&mut rng);
        let (found, dropped) = run(&mut rng, &mut case);
        let whole = Query {
            limit: usize::MAX,
            ..case.query.clone()
        };
        let wanted = scan(&case.all, &whole);
        let found: Vec<Cursor> = found.iter().map(Match::cursor).collect();
        let expected: Vec<Cursor> = wanted.events.iter().map(|event| event.at.clone()).collect();
        assert_eq!(found, expected, "seed {seed}: {whole:?}");
        // What several have, several miss.
        assert!(dropped >= wanted.dropped_to_end, "seed {seed}");
        if case.members.is_empty() {
            assert_eq!(dropped, wanted.dropped_to_end, "seed {seed}");
        }
    }
}

#[test]
fn what_comes_out_of_pages_is_what_went_in() {
    for seed in 0..cases(200) {
        let mut rng = Rng::new(seed);
        let filled = Filled::new(&mut rng);
        let query = Query {
            order: if rng.one_in(2) {
                Order::Asc
            } else {
                Order::Desc
            },
            ..Query::default()
        };
        let direct = filled.store.query(&query).events;
        let page = Page::parse(&filled.store.page(&query, 400_000).page).unwrap();
        let paged: Vec<Match> = Match::of_page(&page).collect();
        assert_eq!(paged.len(), direct.len());
        for (one, other) in paged.iter().zip(&direct) {
            assert_eq!(one.cursor(), other.cursor());
            assert_eq!(told(one), told(other), "seed {seed}");
        }
    }
}

#[test]
fn what_a_union_gives_can_be_put_into_pages_again() {
    let here: Arc<str> = "here@host".into();
    for seed in 0..cases(300) {
        let mut rng = Rng::new(seed);
        let mut case = random_case(&mut rng);
        let (found, _) = run(&mut rng, &mut case);
        let descending = case.query.order == Order::Desc;
        let limit = 200 + rng.below(4_000) as usize;
        let new = || PageBuilder::new(descending, limit);
        let (mut open, mut again) = (new(), Vec::new());
        let mut close = |page: PageBuilder| {
            let bytes = page.finish().unwrap();
            again.extend(Match::of_page(&Page::parse(&bytes).unwrap()));
        };
        for event in &found {
            if event.put(&mut open, &here) == Ok(Pushed::Full) {
                close(std::mem::replace(&mut open, new()));
                assert_eq!(event.put(&mut open, &here), Ok(Pushed::In));
            }
        }
        close(open);
        assert_eq!(again.len(), found.len(), "seed {seed}");
        for (one, other) in again.into_iter().zip(&found) {
            assert_eq!(one.mono_ns(), None);
            let one = one.with_mono_ns(other.mono_ns());
            assert_eq!(one.cursor(), other.cursor());
            assert_eq!(one.received(), other.received());
            assert_eq!(told(&one), told(other), "seed {seed}");
        }
    }
}

fn told(event: &Match) -> String {
    let subject = match event.subject() {
        scope_event::SubjectView::Term(term) => {
            format!("{:?}", scope_event::Value::read(&term, event.names()))
        }
        other => format!("{other:?}"),
    };
    let terms = (event.correlation_value(), event.data_value());
    let numbers = (event.session(), event.flags(), event.mono_ns());
    format!(
        "{:?} {subject} {:?} {terms:?} {numbers:?}",
        event.kind(),
        event.pid()
    )
}

#[test]
fn nonsense_is_found_out_and_changes_nothing() {
    let member = Member::new("x@host");
    let here = Member::new("here@host").store;
    for second in 1..=4u64 {
        let event = RawEvent::new(Kind::Mark, second << 32, 0);
        member.store.push(0, &event, second * 1_000);
    }
    let two = Query {
        limit: 2,
        ..Query::default()
    };
    let page = |query: &Query| member.store.page(query, 64 * 1024).page;
    let fed = |page| Fed {
        page,
        more: true,
        dropped: 0,
        expired: None,
    };
    let mut union = Union::new(two.clone(), 1);
    let first = page(&two);
    assert_eq!(union.feed(1, fed(&first)), Err(FeedError::Unknown));
    assert!(matches!(
        union.feed(0, fed(b"nonsense")),
        Err(FeedError::Page(_))
    ));
    let turned = page(&Query {
        order: Order::Desc,
        ..two.clone()
    });
    assert_eq!(union.feed(0, fed(&turned)), Err(FeedError::Order));
    assert_eq!(union.feed(0, fed(&first)), Ok(()));
    assert_eq!(union.feed(0, fed(&first)), Err(FeedError::Order));
    assert_eq!(union.next(&here, 10).events.len(), 2);
    union.close(0);
    assert_eq!(union.feed(0, fed(&first)), Err(FeedError::Over));
    assert!(union.next(&here, 10).done);
}

/// Blocks that are decoded grow with the page, not with the store.
#[test]
fn a_page_far_inside_a_large_store_costs_no_more_than_the_first() {
    let member = Member::new("x@host");
    for block in 0..400u64 {
        for event in 0..20 {
            let stamp = (block * 20 + event) << 20;
            member
                .store
                .push(0, &RawEvent::new(Kind::Mark, stamp, 0), 1_000);
        }
        member.store.close_now();
    }
    let mut query = Query {
        limit: 50,
        max_blocks: 8,
        ..Query::default()
    };
    let mut seen = 0;
    for _ in 0..1_000 {
        let answer = member.store.page(&query, 64 * 1024);
        seen += answer.count;
        query.after = answer.cursor;
        if !answer.more {
            break;
        }
    }
    assert_eq!(seen, 8_000);
}

#[test]
fn a_question_that_finds_little_comes_on_in_steps() {
    let member = Member::new("x@host");
    for block in 0..3_000u64 {
        let kind = if block == 2_900 {
            Kind::Exit
        } else {
            Kind::Mark
        };
        member
            .store
            .push(0, &RawEvent::new(kind, (block + 1) << 20, 0), 1_000);
        member.store.close_now();
    }
    for order in [Order::Asc, Order::Desc] {
        let mut query = Query {
            kinds: Kind::Exit.into(),
            order,
            max_blocks: 2,
            ..Query::default()
        };
        let (mut calls, mut seen) = (0, 0);
        loop {
            let answer = member.store.page(&query, 64 * 1024);
            (calls, seen) = (calls + 1, seen + answer.count);
            assert!(!answer.more || answer.cursor != query.after);
            query.after = answer.cursor;
            if !answer.more {
                break;
            }
        }
        assert!(seen == 1 && calls > 10, "{seen} in {calls}");
    }
}

#[test]
fn what_is_held_and_the_head_speak_of_what_was_just_pushed() {
    let member = Member::new("x@host");
    assert_eq!(member.store.held(), Ranges::default());
    for second in 1..=3u64 {
        member
            .store
            .push(0, &RawEvent::new(Kind::Mark, second << 32, 0), 1_000);
    }
    let own = Origin::new("x@host", 1);
    assert_eq!(member.store.held().of(&own), [(1, 3)]);
    member.store.close_now();
    member.store.complete_to(9 << 32);
    assert_eq!(member.store.held().of(&own), [(1, 3)]);
    assert_eq!(member.store.head(), (own, 3, 9 << 32));
}
