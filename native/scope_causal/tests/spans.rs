//! Spans: small stories, and properties against stacks that are replayed naively.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod story;

use proptest::collection::vec;
use proptest::prelude::*;
use scope_causal::{At, Block, By, Link, Picture, Spans, flame, top};
use scope_event::Kind;
use story::{Story, Who, drawn};

const A: Who = ("a@host", 1);
const B: Who = ("b@host", 2);
const C: Who = ("a@host", 3);

fn spans(story: &Story) -> (Picture, Spans) {
    let picture = story.picture();
    let spans = Spans::build(&picture);
    (picture, spans)
}

fn lines(story: &Story) -> Vec<String> {
    let (picture, spans) = spans(story);
    drawn(&picture, &spans)
}

#[test]
fn calls_nest_and_time_is_total_and_own() {
    let mut story = Story::default();
    story.call(A, 100, "f");
    story.call(A, 200, "g");
    story.back(A, 500, "g");
    story.call(A, 600, "h");
    story.raise(A, 650, "h");
    story.back(A, 1_000, "f");
    assert_eq!(
        lines(&story),
        ["f 100..1000", "  g 200..500", "  h! 600..650"]
    );
    let (_, spans) = spans(&story);
    let f = spans.get(0).unwrap();
    assert_eq!((f.total_ns, f.self_ns), (Some(900), Some(550)));
    assert_eq!((spans.roots(), spans.children(0)), (&[0][..], &[1, 2][..]));
}

#[test]
fn what_is_not_known_is_marked() {
    let mut story = Story::default();
    story.back(A, 50, "before");
    story.call(A, 100, "f");
    story.call(A, 200, "lost_end");
    story.back(A, 300, "lost_call");
    story.back(A, 500, "f");
    story.call(A, 600, "open");
    assert_eq!(
        lines(&story),
        [
            "before ?..50",
            "f 100..500",
            "  lost_end 200..?",
            "    lost_call ?..300",
            "open 600..?"
        ]
    );
    let (_, spans) = spans(&story);
    assert_eq!(
        spans.get(1).unwrap().self_ns,
        None,
        "of what it called, one end is not known"
    );
}

#[test]
fn a_loss_closes_what_is_open_on_its_node_alone() {
    let mut story = Story::default();
    story.call(A, 100, "f");
    story.call(B, 110, "f");
    story.gap("a@host", 150);
    story.back(A, 200, "f");
    story.back(B, 210, "f");
    assert_eq!(lines(&story), ["f 100..?", "f 110..210", "f ?..200"]);
}

#[test]
fn the_end_of_a_process_ends_its_calls() {
    let mut story = Story::default();
    story.call(A, 100, "f");
    story.call(A, 200, "g");
    story.exit(A, 300);
    assert_eq!(lines(&story), ["f! 100..300", "  g! 200..300"]);
}

#[test]
fn calls_whose_ends_are_never_captured_hold_nothing() {
    let mut story = Story::default();
    for ns in [100, 200, 300] {
        story.call(A, ns, "loop");
        story.call(A, ns + 10, "f");
        story.back(A, ns + 20, "f");
    }
    assert_eq!(
        lines(&story)[..3],
        ["loop 100..?", "f 110..120", "loop 200..?"]
    );
}

/// A call from node to node, with `back` when the caller's own function goes on.
fn request(story: &mut Story) {
    story.call(A, 1_000, "order");
    story.message(A, 2_000, B, 3_000);
    story.call(B, 4_000, "reserve");
    story.back(B, 6_000, "reserve");
    story.message(B, 7_000, A, 8_000);
    story.back(A, 9_000, "order");
}

#[test]
fn a_request_nests_below_its_caller_and_the_caller_waits() {
    let mut story = Story::default();
    request(&mut story);
    assert_eq!(lines(&story), ["order 1000..9000", "  reserve 4000..6000"]);
    let (picture, spans) = spans(&story);
    let order = spans.get(0).unwrap();
    assert_eq!((order.total_ns, order.self_ns), (Some(8_000), Some(2_000)));
    let parts = spans.waits(0)[0].parts(&picture);
    assert_eq!(
        (parts.to_ns, parts.there_ns, parts.back_ns),
        (1_000, 4_000, 1_000)
    );
    assert_eq!(parts.unsure_ns, 2_000);
    let Link::Message(_) = spans.get(1).unwrap().link else {
        panic!("no message")
    };
}

#[test]
fn an_answer_begins_nothing_and_any_other_message_does() {
    let mut story = Story::default();
    request(&mut story);
    story.call(A, 10_000, "next");
    story.back(A, 11_000, "next");
    story.call(C, 11_500, "tell");
    story.message(C, 12_000, A, 13_000);
    story.back(C, 12_500, "tell");
    story.call(A, 14_000, "heard");
    assert_eq!(
        lines(&story)[2..],
        ["next 10000..11000", "tell 11500..12500", "  heard 14000..?"]
    );
}

#[test]
fn a_started_process_hangs_below_who_started_it() {
    let mut story = Story::default();
    story.call(A, 100, "f");
    story.spawn(A, 200, C);
    story.call(C, 300, "task");
    story.back(C, 400, "task");
    story.back(A, 500, "f");
    assert_eq!(lines(&story), ["f 100..500", "  task 300..400"]);
    assert_eq!(spans(&story).1.get(1).unwrap().link, Link::Spawn);
}

#[test]
fn without_messages_the_innermost_of_the_correlation_that_holds_it_is_likely() {
    let mut story = Story::default();
    let of = |id| Some(id);
    story.call(A, 100, "outer").correlation = of(7);
    story.call(A, 200, "inner").correlation = of(7);
    story.call(B, 300, "there").correlation = of(7);
    story.call(C, 310, "other").correlation = of(8);
    story.back(C, 320, "other").correlation = of(8);
    story.back(B, 400, "there").correlation = of(7);
    story.back(A, 500, "inner").correlation = of(7);
    story.back(A, 600, "outer").correlation = of(7);
    assert_eq!(
        lines(&story),
        [
            "outer 100..600",
            "  inner 200..500",
            "    there 300..400",
            "other 310..320"
        ]
    );
    assert_eq!(spans(&story).1.get(2).unwrap().link, Link::Correlation);
}

#[test]
fn of_two_messages_the_one_of_its_correlation_began_a_call() {
    let mut story = Story::default();
    story.call(A, 100, "one");
    story.call(C, 110, "two");
    story.message_saying(A, 200, B, 300, 0, Some(1));
    story.message_saying(C, 210, B, 310, 0, Some(2));
    story.call(B, 400, "first").correlation = Some(1);
    story.back(B, 500, "first").correlation = Some(1);
    story.call(B, 600, "second").correlation = Some(2);
    assert_eq!(
        lines(&story),
        [
            "one 100..?",
            "  first 400..500",
            "two 110..?",
            "  second 600..?"
        ]
    );
}

#[test]
fn functions_have_totals_and_recursion_counts_once() {
    let mut story = Story::default();
    story.call(A, 0, "f");
    story.call(A, 100, "f");
    story.back(A, 300, "f");
    story.back(A, 1_000, "f");
    story.call(B, 0, "f");
    story.raise(B, 50, "f");
    let (picture, spans) = spans(&story);
    let all = top(&picture, &spans, false, By::Total);
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].calls, all[0].raised, all[0].total_ns, all[0].self_ns),
        (3, 1, 1_050, 1_050)
    );
    assert_eq!(
        (all[0].p50_ns, all[0].p99_ns, all[0].max_ns),
        (Some(200), Some(1_000), Some(1_000))
    );
    let each = top(&picture, &spans, true, By::Calls);
    assert_eq!(each.iter().map(|row| row.calls).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_flame_has_the_time_of_the_caller_and_no_more() {
    let mut story = Story::default();
    request(&mut story);
    let (picture, spans) = spans(&story);
    let frames = flame(&picture, &spans, None);
    assert_eq!(frames[0].total_ns, 8_000);
    let of = |block: Block| {
        frames
            .iter()
            .find(|frame| frame.block == block)
            .unwrap()
            .self_ns
    };
    assert_eq!((of(Block::Network), of(Block::Waiting)), (2_000, 2_000));
    assert_eq!(frames.iter().filter(|frame| frame.depth == 1).count(), 3);
}

/// More cases where `SCOPE_LONG=1` asks for them.
fn cases(normal: u32) -> ProptestConfig {
    let factor = if std::env::var_os("SCOPE_LONG").is_some() {
        50
    } else {
        1
    };
    ProptestConfig {
        cases: normal * factor,
        failure_persistence: None,
        ..Default::default()
    }
}

const PROCESSES: [Who; 4] = [A, B, C, ("b@host", 4)];
const FUNCTIONS: [&str; 4] = ["f", "g", "h", "i"];

/// Anything, in any order: also what no machine would do.
fn history() -> impl Strategy<Value = Story> {
    vec(
        (
            0u8..14,
            0usize..4,
            0usize..4,
            0u64..40,
            prop::option::of(0u64..3),
        ),
        0..120,
    )
    .prop_map(|steps| {
        let mut story = Story::default();
        for (at, (what, process, function, late, correlation)) in steps.into_iter().enumerate() {
            let (who, ns) = (PROCESSES[process], 100 * at as u64 + 100);
            let other = PROCESSES[function];
            match what {
                0..=4 => story.call(who, ns, FUNCTIONS[function]).correlation = correlation,
                5..=8 => story.back(who, ns, FUNCTIONS[function]).correlation = correlation,
                9 => story.raise(who, ns, FUNCTIONS[function]).correlation = correlation,
                10 | 11 if who != other => {
                    story.message_saying(
                        who,
                        ns,
                        other,
                        (ns + late * 10).saturating_sub(60),
                        0,
                        correlation,
                    );
                }
                12 => story.gap(who.0, ns),
                13 if late == 0 => story.exit(who, ns),
                _ => {}
            }
        }
        story
    })
}

/// For each call its end and what it lies in, by replaying one process alone.
fn naive(picture: &Picture, process: u32) -> Vec<(Option<At>, Option<At>, Option<At>)> {
    let (mut stack, mut found): (Vec<(At, u32)>, Vec<_>) = (Vec::new(), Vec::new());
    let node = picture.processes()[process as usize].node;
    let function = |at| picture.function(at).unwrap();
    let ends = |of: u32| {
        (0..picture.len() as u32).any(|at| {
            matches!(picture.kind(at), Kind::Return | Kind::Exception) && function(at) == of
        })
    };
    let again = |of: u32| {
        (0..picture.processes().len() as u32).any(|process| {
            let calls = (0..picture.len() as u32).filter(|&at| {
                picture.kind(at) == Kind::Call
                    && picture.process(at) == Some(process)
                    && function(at) == of
            });
            calls.count() > 1
        })
    };
    for at in 0..picture.len() as u32 {
        if picture.kind(at) == Kind::Gap && picture.node(at) == Some(node) {
            found.extend(stack.drain(..).map(|(call, _)| (Some(call), None, None)));
        }
        if picture.process(at) != Some(process) {
            continue;
        }
        let above = stack.last().map(|(call, _)| *call);
        match picture.kind(at) {
            Kind::Call => {
                found.push((Some(at), Some(at), above));
                let point = !ends(function(at)) && again(function(at));
                if !point {
                    stack.push((at, function(at)));
                }
            }
            Kind::Return | Kind::Exception => {
                match stack.iter().rposition(|(_, open)| *open == function(at)) {
                    None => found.push((None, Some(at), above)),
                    Some(of) => {
                        found.push((Some(stack[of].0), Some(at), None));
                        stack.truncate(of);
                    }
                }
            }
            Kind::Exit => found.extend(
                stack
                    .drain(..)
                    .map(|(call, _)| (Some(call), Some(at), None)),
            ),
            _ => {}
        }
    }
    found
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn spans_are_those_of_a_replayed_stack(story in history()) {
        let (picture, spans) = spans(&story);
        for process in 0..picture.processes().len() as u32 {
            for (call, at, above) in naive(&picture, process) {
                // A call with where it lies, an end with its call, or a call without an end.
                match (call, at) {
                    (Some(call), Some(at)) if call == at => {
                        let span = spans.get(spans.of_event(call).unwrap()).unwrap();
                        prop_assert_eq!(span.call, Some(call));
                        if above.is_some() {
                            prop_assert_eq!(span.link, Link::Program);
                            prop_assert_eq!(spans.get(span.parent.unwrap()).unwrap().call, above);
                        } else {
                            prop_assert_ne!(span.link, Link::Program);
                        }
                    }
                    (Some(call), end) => {
                        prop_assert_eq!(spans.get(spans.of_event(call).unwrap()).unwrap().end, end);
                    }
                    (None, at) => {
                        let span = spans.get(spans.of_event(at.unwrap()).unwrap()).unwrap();
                        prop_assert_eq!((span.call, span.end), (None, at));
                    }
                }
            }
        }
    }

    #[test]
    fn they_are_a_forest_in_causal_order(story in history()) {
        let (picture, spans) = spans(&story);
        let places: Vec<u32> = spans.spans().map(|span| picture.place(span.first())).collect();
        prop_assert!(places.is_sorted());
        for (index, span) in (0..).zip(spans.spans()) {
            let siblings = match span.parent {
                Some(parent) => {
                    prop_assert!(parent < index);
                    prop_assert_eq!(spans.depth(index), spans.depth(parent) + 1);
                    spans.children(parent)
                }
                None => spans.roots(),
            };
            prop_assert_eq!(siblings.iter().filter(|&&one| one == index).count(), 1);
            let (from, count) = spans.below(index).unwrap();
            prop_assert_eq!(spans.depth_first()[from as usize], index);
            let inner = &spans.depth_first()[from as usize + 1..(from + count) as usize + 1];
            prop_assert!(inner.iter().all(|&one| spans.depth(one) > spans.depth(index)));
            let next = spans.depth_first().get((from + count) as usize + 1);
            prop_assert!(next.is_none_or(|&next| spans.depth(next) <= spans.depth(index)));
        }
    }

    #[test]
    fn own_times_add_up_to_totals(story in history()) {
        let (picture, spans) = spans(&story);
        for (index, span) in (0..).zip(spans.spans()) {
            let Some(own) = span.self_ns else { continue };
            let inner = spans.children(index).iter().filter_map(|&child| spans.get(child));
            let inner = inner.filter(|child| child.link == Link::Program && !child.point);
            let inner: u64 = inner.map(|child| child.total_ns.unwrap()).sum();
            let waits = spans.waits(index).iter();
            let waited: u64 = waits.clone().map(|wait| wait.ns(&picture)).sum();
            prop_assert_eq!(Some(own + inner + waited), span.total_ns);
            for wait in waits {
                let parts = wait.parts(&picture);
                prop_assert_eq!(parts.to_ns + parts.there_ns + parts.back_ns, wait.ns(&picture));
            }
        }
    }

    #[test]
    fn no_span_crosses_a_loss(story in history()) {
        let (picture, spans) = spans(&story);
        let gaps: Vec<At> = (0..picture.len() as u32).filter(|&at| picture.kind(at) == Kind::Gap).collect();
        for span in spans.spans() {
            if let (Some(call), Some(end)) = (span.call, span.end) {
                let crossed = gaps.iter().any(|&gap| {
                    call < gap && gap < end && picture.node(gap) == picture.node(call)
                });
                prop_assert!(!crossed);
            }
        }
    }

    #[test]
    fn functions_and_flames_add_up(story in history()) {
        let (picture, spans) = spans(&story);
        let own: u64 = spans.spans().filter_map(|span| span.self_ns).sum();
        let rows = top(&picture, &spans, true, By::Own);
        prop_assert_eq!(rows.iter().map(|row| row.self_ns).sum::<u64>(), own);
        prop_assert_eq!(rows.iter().map(|row| row.calls).sum::<u64>(), spans.len() as u64);
        prop_assert!(rows.iter().map(|row| row.self_ns).is_sorted_by(|one, other| one >= other));
        let frames = flame(&picture, &spans, None);
        let roots = frames.iter().filter(|frame| frame.depth == 0);
        prop_assert_eq!(
            roots.map(|frame| frame.total_ns).sum::<u64>(),
            frames.iter().map(|frame| frame.self_ns).sum::<u64>()
        );
    }
}
