//! Pages: what went in comes out, in every version, and nothing else is let in.
//!
//! `SCOPE_GOLDEN=write cargo test -p scope_event golden` writes the files of a new version.

use crate::common::NODE;
use crate::golden::{block, folder};
use scope_event::block::{Block, KeySubject};
use scope_event::page::{Page, PageBuilder, PageError, PageEvent, Pushed, VERSION};
use scope_event::{Events, SubjectView, Value};
use std::fmt::Write;
use std::fs;
use std::sync::Arc;

fn events(first: i64) -> Events {
    block(first).events().unwrap()
}

/// All events of some blocks of one origin, whose stamps ascend from block to block.
fn page(blocks: &[Events], descending: bool, received: Option<(u64, &Arc<str>)>) -> Vec<u8> {
    let mut page = PageBuilder::new(descending, usize::MAX);
    let all = blocks
        .iter()
        .flat_map(|events| events.by_stamp().into_iter().map(move |at| (events, at)));
    let mut all: Vec<_> = all.collect();
    if descending {
        all.reverse();
    }
    for (events, at) in all {
        let event = events.get(at as usize).unwrap();
        assert_eq!(page.push(&event, received).unwrap(), Pushed::In);
    }
    page.finish().unwrap()
}

fn value(page: &Page, term: Option<&[u8]>) -> Option<Value> {
    term.map(|term| Value::read(term, &**page.names()).unwrap())
}

fn subject(page: &Page, event: &PageEvent<'_>) -> String {
    let names = page.names();
    let atom = |index: u32| &names.atoms()[index as usize];
    match event.key().subject {
        KeySubject::None => "None".into(),
        KeySubject::Mfa {
            module,
            function,
            arity,
        } => format!("{}:{}/{arity}", atom(module), atom(function)),
        KeySubject::Pid(pid) => names.pids()[pid as usize].to_string(),
        KeySubject::Name(name) => atom(name).to_string(),
        KeySubject::Term(_) => format!("{:?}", value(page, event.subject_term())),
    }
}

fn text(page: &Page) -> String {
    let mut out = String::new();
    for source in page.sources() {
        writeln!(out, "{} {:?}", source.origin(), source.received()).unwrap();
    }
    for event in page.iter() {
        writeln!(
            out,
            "{} {} {:#x} {:?} {:?} {:?} {} {:?} {:?} {} {}",
            event.source(),
            event.seq(),
            event.stamp(),
            event.mono_ns(),
            event.kind(),
            event.pid(),
            subject(page, &event),
            value(page, event.correlation()),
            value(page, event.data()),
            event.session(),
            event.flags()
        )
        .unwrap();
    }
    out
}

#[test]
fn golden_pages_read_as_they_did() {
    let path = |of: &str| folder().join(format!("v{VERSION}.{of}"));
    if std::env::var("SCOPE_GOLDEN").is_ok_and(|what| what == "write") {
        let by = Arc::from("other@host");
        let bytes = page(&[events(1), events(61)], false, Some((7 << 32, &by)));
        fs::write(path("page"), &bytes).unwrap();
        fs::write(path("page.txt"), text(&Page::parse(&bytes).unwrap())).unwrap();
    }
    let read = Page::parse(&fs::read(path("page")).unwrap()).unwrap();
    assert_eq!(text(&read), fs::read_to_string(path("page.txt")).unwrap());
}

#[test]
fn a_page_has_the_events_of_its_blocks() {
    let blocks = [events(1), events(61)];
    for descending in [false, true] {
        let read = Page::parse(&page(&blocks, descending, None)).unwrap();
        assert_eq!((read.len(), read.is_descending()), (120, descending));
        assert!(
            read.sources()
                .iter()
                .all(|source| &*source.origin().node == NODE)
        );
        for event in read.iter() {
            let first = blocks
                .iter()
                .find_map(|block| block.by_seq(event.seq()))
                .unwrap();
            assert_eq!(event.stamp(), first.stamp());
            assert_eq!(event.mono_ns(), first.mono_ns());
            assert_eq!((event.kind(), event.pid()), (first.kind(), first.pid()));
            assert_eq!(
                (event.session(), event.flags()),
                (first.session(), first.flags())
            );
            assert_eq!(value(&read, event.data()), first.data_value().unwrap());
            assert_eq!(
                value(&read, event.correlation()),
                first.correlation_value().unwrap()
            );
            let term = match first.subject().unwrap() {
                SubjectView::Term(term) => {
                    Some(Value::read(&term, &**first_names(&blocks, event)).unwrap())
                }
                _ => None,
            };
            assert_eq!(value(&read, event.subject_term()), term);
        }
    }
}

fn first_names<'b>(
    blocks: &'b [Events],
    event: PageEvent<'_>,
) -> &'b Arc<scope_event::block::Dictionary> {
    let of = blocks
        .iter()
        .find(|block| block.by_seq(event.seq()).is_some());
    of.unwrap().names()
}

#[test]
fn a_full_page_says_so_and_an_empty_one_takes_anything() {
    let events = events(1);
    let mut page = PageBuilder::new(false, 600);
    let mut places = events.by_stamp().into_iter();
    let full = places.find(|at| {
        let event = events.get(*at as usize).unwrap();
        page.push(&event, None).unwrap() == Pushed::Full
    });
    assert!(full.is_some() && page.bytes() < 600 + 64);
    let mut page = PageBuilder::new(false, 0);
    let event = events.get(full.unwrap() as usize).unwrap();
    assert_eq!(page.push(&event, None), Ok(Pushed::In));
    assert_eq!(page.push(&event, None), Ok(Pushed::Full));
    let empty = Page::parse(&PageBuilder::new(true, 0).finish().unwrap()).unwrap();
    assert!(empty.is_empty() && empty.is_descending());
}

#[test]
fn bytes_that_were_changed_are_refused() {
    let whole = page(&[events(1)], false, None);
    assert_eq!(Page::parse(b"").err(), Some(PageError::Short));
    assert_eq!(Page::parse(b"ESBK").err(), Some(PageError::Magic));
    for at in 0..whole.len() {
        assert!(Page::parse(&whole[..at]).is_err());
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        assert!(Page::parse(&bytes).is_err(), "byte {at}");
    }
    let mut newer = whole.clone();
    newer[4] = VERSION + 1;
    assert_eq!(
        Page::parse(&newer).err(),
        Some(PageError::Version(VERSION + 1))
    );
    assert!(matches!(
        Block::parse(whole),
        Err(scope_event::BlockError::Magic)
    ));
}

#[test]
fn events_out_of_order_are_no_page() {
    let events = events(1);
    let mut page = PageBuilder::new(false, usize::MAX);
    for at in [1, 0] {
        let event = events.get(at).unwrap();
        page.push(&event, None).unwrap();
    }
    let read = Page::parse(&page.finish().unwrap());
    assert_eq!(read.err(), Some(PageError::Content("order")));
}
