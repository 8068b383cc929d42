//! Two executions: concurrent events in another order are no difference, and one that was planted is the first.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod story;

use proptest::prelude::*;
use scope_causal::{Change, Differences, Part, Side, Spans, diff};
use scope_event::Kind;
use story::{Story, Who};

fn compared(one: &Story, other: &Story) -> Differences {
    let (left, right) = (one.picture(), other.picture());
    let (first, second) = (Spans::build(&left), Spans::build(&right));
    let side = |picture, spans| Side {
        picture,
        spans,
        part: Part::All,
    };
    let (of_one, of_other) = (one.contents(&left), other.contents(&right));
    let contents = (|at| of_one[at as usize], |at| of_other[at as usize]);
    diff(side(&left, &first), side(&right, &second), contents, 10)
}

const CLIENT: Who = ("a@host", 1);
const SERVER: Who = ("b@host", 2);
const OTHER: Who = ("b@host", 3);

/// A call with two requests to two servers, the second of which may answer first.
fn requests(swapped: bool, says: u64, returns: u64) -> Story {
    let mut story = Story::default();
    story.call(CLIENT, 100, "order");
    let (one, other) = if swapped { (500, 300) } else { (300, 500) };
    story.message_saying(CLIENT, 200, SERVER, one, 1, None);
    story.message_saying(CLIENT, 210, OTHER, other, says, None);
    story.call(SERVER, one + 10, "reserve").content = 5;
    story.back(SERVER, one + 20, "reserve").content = returns;
    story.call(OTHER, other + 10, "pay");
    story.back(OTHER, other + 20, "pay");
    story.message_saying(SERVER, one + 30, CLIENT, one + 40, 6, None);
    story.message_saying(OTHER, other + 30, CLIENT, other + 40, 7, None);
    story.back(CLIENT, 900, "order");
    story
}

#[test]
fn what_is_concurrent_may_come_in_any_order() {
    let found = compared(&requests(false, 2, 3), &requests(true, 2, 3));
    assert_eq!((found.count, found.events), (0, (14, 14)));
}

#[test]
fn a_difference_is_told_where_it_is() {
    let one = requests(false, 2, 3);
    let found = compared(&one, &requests(true, 9, 3));
    assert_eq!(found.count, 1);
    let picture = one.picture();
    let first = found.first[0];
    assert_eq!(first.change, Change::Content);
    assert_eq!(picture.stamp(first.left.unwrap()).physical_ns(), 210);
    assert_eq!(first.within, Some(0));

    let found = compared(&one, &requests(false, 2, 4));
    assert_eq!((found.count, found.first[0].change), (1, Change::Result));
    assert_eq!(picture.kind(found.first[0].left.unwrap()), Kind::Return);
}

#[test]
fn what_is_missing_added_or_in_the_place_of_another_is_told() {
    let mut less = requests(false, 2, 3);
    less.events
        .retain(|told| told.function.as_deref() != Some("pay"));
    let whole = requests(false, 2, 3);
    let found = compared(&whole, &less);
    assert_eq!((found.count, found.first[0].change), (1, Change::Missing));
    let found = compared(&less, &whole);
    assert_eq!((found.count, found.first[0].change), (1, Change::Added));
    let mut renamed = requests(false, 2, 3);
    let pay = renamed
        .events
        .iter_mut()
        .filter(|told| told.function.as_deref() == Some("pay"));
    pay.for_each(|told| told.function = Some("refund".into()));
    let found = compared(&whole, &renamed);
    assert_eq!((found.count, found.first[0].change), (1, Change::Replaced));
}

#[test]
fn one_that_does_not_end_is_told_before_what_is_missing_because_of_it() {
    let mut open = requests(false, 2, 3);
    let of_server = |who: Option<Who>| who == Some(SERVER);
    // Nor is its answer received.
    open.events
        .retain(|told| told.ns <= 310 || !of_server(told.who) && told.ns != 340);
    let found = compared(&requests(false, 2, 3), &open);
    let changes: Vec<Change> = found.first.iter().map(|found| found.change).collect();
    assert_eq!(changes, [Change::Ending, Change::Missing]);
}

/// A generator of numbers that are the same for a seed (Marsaglia, *Xorshift RNGs*, JSS 8(14), 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Something of a program: what is done, in order; what is sent leads to more.
enum Step {
    Call(u64, Vec<Step>),
    Ask(usize, Vec<Step>),
    Mark(u64),
}

fn program(random: &mut Random, left: &mut u64, depth: u32) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..1 + random.below(6) {
        *left = left.saturating_sub(2);
        steps.push(match random.below(4) {
            0 | 1 if depth < 6 => Step::Call(random.below(9), program(random, left, depth + 1)),
            2 if depth < 6 => Step::Ask(random.below(3) as usize, program(random, left, depth + 1)),
            _ => Step::Mark(random.below(1_000)),
        });
    }
    steps
}

const FUNCTIONS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
const NODES: [&str; 3] = ["a@host", "b@host", "c@host"];

/// Runs a program: each message is taken by a process of its own, and everything takes as long as `late` says.
struct Run<'a> {
    story: Story,
    late: &'a mut Random,
    processes: u32,
}

impl Run<'_> {
    /// The time when it is done.
    fn steps(&mut self, steps: &[Step], who: Who, mut ns: u64) -> u64 {
        for step in steps {
            ns += 10 + self.late.below(500);
            match step {
                Step::Mark(number) => {
                    self.story.tell(who.0, Some(who), ns, Kind::Mark).content = *number
                }
                Step::Call(number, inner) => {
                    let name = FUNCTIONS[*number as usize];
                    self.story.call(who, ns, name).content = *number;
                    ns = self.steps(inner, who, ns) + 10;
                    self.story.back(who, ns, name).content = *number;
                }
                Step::Ask(node, inner) => {
                    self.processes += 1;
                    let to = (NODES[*node], 100 + self.processes);
                    let taken = ns + 10 + self.late.below(5_000);
                    self.story.message_saying(who, ns, to, taken, 3, None);
                    self.steps(inner, to, taken);
                }
            }
        }
        ns
    }
}

fn run(programs: &[Vec<Step>], late: u64) -> Story {
    let mut late = Random(late);
    let mut run = Run {
        story: Story::default(),
        late: &mut late,
        processes: 0,
    };
    for (at, program) in (0..).zip(programs) {
        let ns = 1_000 + run.late.below(100_000);
        run.steps(program, ("a@host", at + 1), ns);
    }
    run.story
}

/// More seeds where `SCOPE_LONG=1` asks for them.
fn seeds() -> u64 {
    if std::env::var_os("SCOPE_LONG").is_some() {
        2_000
    } else {
        100
    }
}

#[test]
fn of_ten_thousand_events_one_that_was_planted_is_the_first_and_any_order_is_none() {
    for seed in 1..=seeds() {
        let mut random = Random(seed * 0x9e37_79b9);
        let (mut left, mut programs) = (16_000, Vec::new());
        while left > 0 {
            programs.push(program(&mut random, &mut left, 0));
        }
        let (one, mut other) = (run(&programs, seed + 7), run(&programs, seed + 1_000));
        let found = compared(&one, &other);
        assert!(found.events.0 >= 10_000, "{} events", found.events.0);
        assert_eq!((found.count, &found.first), (0, &vec![]), "seed {seed}");

        let at = loop {
            let at = random.below(other.events.len() as u64) as usize;
            if other.events[at].kind != Kind::Receive {
                break at;
            }
        };
        other.events[at].content = 77_777;
        let found = compared(&one, &other);
        let picture = other.picture();
        assert_eq!(found.count, 1, "seed {seed}");
        assert_eq!(
            found.first[0].right,
            picture.at(&other.events[at].id),
            "seed {seed}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn an_execution_is_no_different_from_itself_and_any_left_out_call_is_told(seed in 1u64..) {
        let mut random = Random(seed);
        let (mut left, mut programs) = (300, Vec::new());
        while left > 0 {
            programs.push(program(&mut random, &mut left, 0));
        }
        let one = run(&programs, 1 + seed / 2);
        prop_assert_eq!(compared(&one, &one).count, 0);
        let mut other = one.clone();
        if let Some(at) = other.events.iter().position(|told| told.kind == Kind::Mark) {
            let gone = other.events.remove(at);
            let found = compared(&one, &other);
            prop_assert_eq!((found.count, found.first[0].change), (1, Change::Missing));
            prop_assert_eq!(found.first[0].left, one.picture().at(&gone.id));
        }
    }
}
