//! Pictures against the definitions, written down naively.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::collection::vec;
use proptest::prelude::*;
use scope_causal::{
    At, Confidence, Edge, EdgeKind, End, Input, Picture, PictureBuilder, Relation, Subject, Way,
};
use scope_clock::Stamp;
use scope_event::{Kind, Origin, Pid};
use std::sync::Arc;

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

const NODES: [&str; 3] = ["a@host", "b@host", "c@host"];

/// An event as it happened, before clocks and captures had their way.
#[derive(Clone, Copy, Debug)]
struct Happened {
    process: usize,
    kind: Kind,
    peer: Peer,
}

/// What an event says of the other side.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Peer {
    Nobody,
    Process(usize),
    Node(usize),
}

/// What really happened in order, and what is said of it.
#[derive(Clone, Debug)]
struct History {
    happened: Vec<Happened>,
    /// By process: how far its clock is ahead.
    skews: Vec<u64>,
    /// Two events by their index in `happened`, and how sure it is that they are one message.
    pairs: Vec<(usize, usize, Confidence)>,
    missing: Option<usize>,
}

fn node(process: usize) -> usize {
    process % NODES.len()
}

fn pid(process: usize) -> Pid {
    Pid {
        node: NODES[node(process)].into(),
        id: process as u32,
        serial: 0,
        creation: 1,
    }
}

fn origin(process: usize) -> Origin {
    Origin::new(NODES[node(process)], 1)
}

fn happened(gaps: u32) -> impl Strategy<Value = Happened> {
    let kind = prop_oneof![
        6 => Just(Kind::Send),
        6 => Just(Kind::Receive),
        2 => Just(Kind::Mark),
        gaps => Just(Kind::Gap),
    ];
    let peer = prop_oneof![
        2 => Just(Peer::Nobody),
        2 => (0usize..5).prop_map(Peer::Process),
        1 => (0usize..3).prop_map(Peer::Node),
    ];
    (0usize..5, kind, peer).prop_map(|(process, kind, peer)| Happened {
        process,
        kind,
        peer,
    })
}

/// Exact pairs are true; `guesses` are what they are.
fn history(gaps: u32, guesses: Vec<Confidence>) -> impl Strategy<Value = History> {
    let pairs = vec((any::<usize>(), any::<usize>(), any::<usize>()), 0..24);
    let missing = prop_oneof![(6 - gaps.min(1)) => Just(None), gaps => (0usize..3).prop_map(Some)];
    (vec(happened(gaps), 1..24), vec(0u64..20, 5), pairs, missing).prop_map(
        move |(happened, skews, pairs, missing)| {
            let pairs = pairs.into_iter().filter_map(|(one, other, sure)| {
                let (one, other) = (one % happened.len(), other % happened.len());
                let sure = guesses.get(sure % (guesses.len() + 1)).copied();
                let true_pair = happened[one.min(other)].kind == Kind::Send
                    && happened[one.max(other)].kind == Kind::Receive
                    && one != other;
                let sure = sure.unwrap_or(Confidence::Exact);
                (sure < Confidence::Exact || true_pair).then_some((one, other, sure))
            });
            History {
                pairs: pairs.collect(),
                happened,
                skews,
                missing,
            }
        },
    )
}

impl History {
    fn stamp(&self, event: usize) -> Stamp {
        let process = self.happened[event].process;
        Stamp::from_bits(event as u64 / 2 + self.skews[process])
    }

    fn id(&self, event: usize) -> (Origin, u64) {
        (origin(self.happened[event].process), event as u64 + 1)
    }

    /// Given in the order of `order`.
    fn given(&self, order: impl Iterator<Item = usize>) -> Picture {
        let mut builder = PictureBuilder::new();
        for event in order {
            self.push(&mut builder, event);
        }
        for &(one, other, sure) in &self.pairs {
            builder.pair(self.id(one), self.id(other), sure);
        }
        if let Some(node) = self.missing {
            builder.misses(NODES[node].into());
        }
        builder.finish().unwrap()
    }

    fn push(&self, builder: &mut PictureBuilder, event: usize) {
        let Happened {
            process,
            kind,
            peer,
        } = self.happened[event];
        let (origin, seq) = self.id(event);
        let (own, other, name);
        own = pid(process);
        let about = match peer {
            Peer::Nobody => Subject::None,
            Peer::Process(process) => {
                other = pid(process);
                Subject::Pid(&other)
            }
            Peer::Node(node) => {
                name = Arc::from(NODES[node]);
                Subject::Node(&name)
            }
        };
        let input = Input {
            pid: (kind != Kind::Gap).then_some(&own),
            about,
            ..Input::new(&origin, seq, self.stamp(event), kind)
        };
        builder.push(input).unwrap();
    }

    fn picture(&self) -> Picture {
        self.given(0..self.happened.len())
    }

    /// Which event of the history it is.
    fn of(&self, picture: &Picture, at: At) -> Happened {
        let (_, seq) = picture.id(at).unwrap();
        self.happened[seq as usize - 1]
    }
}

fn all(picture: &Picture) -> std::ops::Range<At> {
    0..picture.len() as At
}

/// From each event of a process to the next, and along the edges that order.
fn direct(picture: &Picture) -> Vec<(usize, usize)> {
    let mut direct: Vec<(usize, usize)> = picture
        .edges()
        .iter()
        .map(|edge| (edge.cause as usize, edge.effect as usize))
        .collect();
    for effect in all(picture) {
        let Some(process) = picture.process(effect) else {
            continue;
        };
        let before = (0..effect).rfind(|at| picture.process(*at) == Some(process));
        direct.extend(before.map(|before| (before as usize, effect as usize)));
    }
    direct
}

/// `[a][b]`: whether steps lead from `a` to `b`, by Warshall's algorithm.
fn closure(len: usize, direct: &[(usize, usize)]) -> Vec<Vec<bool>> {
    let mut leads = vec![vec![false; len]; len];
    for &(cause, effect) in direct {
        leads[cause][effect] = true;
    }
    for via in 0..len {
        for from in 0..len {
            for to in 0..len {
                leads[from][to] |= leads[from][via] && leads[via][to];
            }
        }
    }
    leads
}

fn leads(picture: &Picture) -> Vec<Vec<bool>> {
    closure(picture.len(), &direct(picture))
}

/// Known steps, candidates, and for each node that lost something a vertex for what it lost.
fn may_lead(history: &History, picture: &Picture) -> Vec<Vec<bool>> {
    let len = picture.len();
    let mut direct = direct(picture);
    for effect in all(picture) {
        for edge in picture.possible_into(effect) {
            direct.push((edge.cause as usize, edge.effect as usize));
        }
    }
    let settled = |at: At| {
        let (_, seq) = picture.id(at).unwrap();
        let event = seq as usize - 1;
        let mut pairs = history.pairs.iter();
        pairs.any(|(one, other, sure)| {
            *sure > Confidence::Ambiguous && (*one == event || *other == event)
        })
    };
    for (lost, name) in NODES.iter().enumerate() {
        let here = |at: At| &*picture.id(at).unwrap().0.node == *name;
        let gaps = all(picture).filter(|at| picture.kind(*at) == Kind::Gap && here(*at));
        let until = gaps.map(|at| picture.stamp(at)).max();
        let is_missing = history.missing == Some(lost);
        let is_open = |at: At, kind| {
            let peer = match history.of(picture, at).peer {
                Peer::Nobody => None,
                Peer::Process(process) => Some(node(process)),
                Peer::Node(node) => Some(node),
            };
            picture.kind(at) == kind && !settled(at) && peer.is_none_or(|peer| peer == lost)
        };
        if until.is_none() && !is_missing {
            continue;
        }
        for at in all(picture) {
            let before = is_missing || Some(picture.stamp(at)) <= until;
            if here(at) && before || is_open(at, Kind::Send) {
                direct.push((at as usize, len + lost));
            }
            if here(at) || is_open(at, Kind::Receive) {
                direct.push((len + lost, at as usize));
            }
        }
    }
    closure(len + NODES.len(), &direct)
}

/// The least stamps that satisfy the definition, by raising them until all do.
fn corrected(picture: &Picture) -> Vec<Stamp> {
    let recorded = |at: usize| (picture.stamp(at as At), at);
    let mut stamps: Vec<Stamp> = all(picture).map(|at| picture.stamp(at)).collect();
    for _ in all(picture) {
        for &(cause, effect) in &direct(picture) {
            if (stamps[cause], cause) > recorded(effect) {
                stamps[effect] = stamps[effect].max(stamps[cause].next());
            }
        }
    }
    stamps
}

fn sure() -> Vec<Confidence> {
    Vec::new()
}

fn wrong() -> Vec<Confidence> {
    vec![Confidence::Likely, Confidence::Ambiguous]
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn causal_order_holds_each_event_once_behind_its_causes(history in history(1, wrong())) {
        let picture = history.picture();
        let mut order = picture.order().to_vec();
        order.sort_unstable();
        prop_assert_eq!(order, all(&picture).collect::<Vec<_>>());
        for (cause, effect) in direct(&picture) {
            prop_assert!(picture.place(cause as At) < picture.place(effect as At));
        }
    }

    #[test]
    fn it_is_a_strict_partial_order(history in history(0, wrong())) {
        let picture = history.picture();
        let before = |a, b| picture.relation(a, b) == Relation::Before;
        for a in all(&picture) {
            prop_assert!(!before(a, a));
            for b in all(&picture).filter(|b| before(a, *b)) {
                prop_assert!(!before(b, a));
                prop_assert!(all(&picture).all(|c| !before(b, c) || before(a, c)));
            }
        }
    }

    #[test]
    fn every_exact_pair_orders_whatever_is_guessed_besides(history in history(1, wrong())) {
        let picture = history.picture();
        for (one, other, _) in history.pairs.iter().filter(|pair| pair.2 == Confidence::Exact) {
            let send = picture.at(&history.id(*one.min(other))).unwrap();
            let receive = picture.at(&history.id(*one.max(other))).unwrap();
            prop_assert_eq!(picture.relation(send, receive), Relation::Before);
        }
        prop_assert!(picture.left_out().iter().all(|edge| edge.sure == Confidence::Likely));
    }

    #[test]
    fn nothing_is_left_out_where_all_is_true(history in history(1, sure())) {
        prop_assert!(history.picture().left_out().is_empty());
    }

    #[test]
    fn what_is_left_out_would_close_a_cycle(history in history(0, wrong())) {
        let picture = history.picture();
        let mut direct = direct(&picture);
        let left_out = picture.left_out().iter();
        direct.extend(left_out.map(|edge| (edge.cause as usize, edge.effect as usize)));
        let leads = closure(picture.len(), &direct);
        for edge in picture.left_out() {
            prop_assert!(leads[edge.effect as usize][edge.cause as usize]);
            prop_assert!(picture.possible_into(edge.effect).contains(edge));
        }
    }

    #[test]
    fn it_is_stamp_order_where_no_edge_is_inverted(history in history(1, wrong())) {
        let mut history = history;
        let picture = history.picture();
        let at = |event| picture.at(&history.id(event)).unwrap();
        let pairs = history.pairs.iter().copied().filter(|(one, other, _)| {
            let (first, second) = (at(*one).min(at(*other)), at(*one).max(at(*other)));
            picture.kind(first) == Kind::Send && picture.kind(second) == Kind::Receive
        });
        history.pairs = pairs.collect();
        let picture = history.picture();
        prop_assert_eq!(picture.order(), all(&picture).collect::<Vec<_>>());
        prop_assert!(picture.corrections().is_empty());
    }

    #[test]
    fn stamps_are_the_least_behind_all_causes_and_the_order_is_theirs(history in history(1, wrong())) {
        let picture = history.picture();
        let stamps = corrected(&picture);
        for at in all(&picture) {
            prop_assert_eq!(picture.corrected(at), stamps[at as usize]);
            prop_assert_eq!(picture.behind_ns(at) > 0, stamps[at as usize] > picture.stamp(at));
        }
        let mut sorted: Vec<At> = all(&picture).collect();
        sorted.sort_by_key(|at| (stamps[*at as usize], *at));
        prop_assert_eq!(picture.order(), sorted);
    }

    #[test]
    fn relations_are_those_of_what_is_known_and_of_what_is_not(history in history(2, wrong())) {
        let picture = history.picture();
        let (leads, may) = (leads(&picture), may_lead(&history, &picture));
        for a in all(&picture) {
            for b in all(&picture) {
                let (one, other) = (a as usize, b as usize);
                let expected = if one == other {
                    Relation::Equal
                } else if leads[one][other] {
                    Relation::Before
                } else if leads[other][one] {
                    Relation::After
                } else if may[one][other] || may[other][one] {
                    Relation::Unknown
                } else {
                    Relation::Concurrent
                };
                prop_assert_eq!(picture.relation(a, b), expected, "{} {}", a, b);
            }
        }
    }

    #[test]
    fn slices_are_those_of_the_closure(history in history(1, wrong())) {
        let picture = history.picture();
        let leads = leads(&picture);
        for event in all(&picture) {
            let sorted = |mut ats: Vec<At>| {
                ats.sort_by_key(|at| picture.place(*at));
                ats
            };
            let before = all(&picture).filter(|at| leads[*at as usize][event as usize]);
            prop_assert_eq!(picture.led_to(event), sorted(before.collect()));
            let behind = all(&picture).filter(|at| leads[event as usize][*at as usize]);
            prop_assert_eq!(picture.influenced(event), sorted(behind.collect()));
        }
    }

    #[test]
    fn a_critical_path_goes_back_to_the_latest_cause(history in history(0, wrong())) {
        let picture = history.picture();
        let (leads, direct) = (leads(&picture), direct(&picture));
        for (from, to) in all(&picture).flat_map(|from| all(&picture).map(move |to| (from, to))) {
            let path = picture.critical_path(from, to);
            prop_assert_eq!(!path.is_empty(), leads[from as usize][to as usize]);
            let Some((first, last)) = path.first().zip(path.last()) else { continue };
            prop_assert_eq!((first.from, last.to), (from, to));
            prop_assert!(path.windows(2).all(|two| two[0].to == two[1].from));
            for step in path {
                let comes = |at: usize| at == from as usize || leads[from as usize][at];
                let causes = direct.iter().filter(|(_, effect)| *effect == step.to as usize);
                let causes = causes.map(|(cause, _)| *cause).filter(|cause| comes(*cause));
                let latest = causes.max_by_key(|cause| picture.place(*cause as At));
                prop_assert_eq!(latest, Some(step.from as usize));
            }
        }
    }

    #[test]
    fn the_order_in_which_it_is_given_does_not_matter(
        history in history(1, wrong()),
        shuffle in vec(any::<usize>(), 24),
    ) {
        let mut order: Vec<usize> = (0..history.happened.len()).collect();
        order.sort_by_key(|event| shuffle[*event]);
        let twice = order.iter().chain(order.iter().rev()).copied();
        let (one, other) = (history.picture(), history.given(twice.clone()));
        prop_assert_eq!(one.order(), other.order());
        prop_assert_eq!(one.edges(), other.edges());
        let given: Vec<usize> = twice.collect();
        for at in all(&one) {
            prop_assert_eq!(one.id(at), other.id(at));
            let (_, seq) = other.id(at).unwrap();
            prop_assert_eq!(given[other.given(at).unwrap() as usize] as u64 + 1, seq);
            prop_assert!((other.given(at).unwrap() as usize) < order.len());
        }
    }

    #[test]
    fn any_pairs_make_a_picture(
        history in history(2, wrong()),
        pairs in vec((any::<usize>(), any::<usize>(), 0usize..3), 0..40),
    ) {
        let sure = [Confidence::Ambiguous, Confidence::Likely, Confidence::Exact];
        let len = history.happened.len() + 2;
        let mut builder = PictureBuilder::new();
        (0..history.happened.len()).for_each(|event| history.push(&mut builder, event));
        let id = |event: usize| (origin(event % 5), event as u64 % len as u64);
        for (one, other, how) in pairs {
            builder.pair(id(one), id(other), sure[how]);
        }
        let picture = builder.finish().unwrap();
        for (cause, effect) in direct(&picture) {
            prop_assert!(picture.place(cause as At) < picture.place(effect as At));
        }
        for at in [0, picture.len() as At, At::MAX] {
            let _ = picture.other_half(at);
            prop_assert!(picture.led_to(at).len() < picture.len().max(1));
        }
    }
}

/// Events of processes of one node, one nanosecond each, by hand.
#[derive(Default)]
struct Told(PictureBuilder, u64);

impl Told {
    fn add(&mut self, process: usize, kind: Kind, about: Option<usize>, end: Option<(usize, u64)>) {
        self.1 += 1;
        let (own, about, ended) = (pid(process), about.map(pid), end.map(|end| pid(end.0)));
        let end = ended.as_ref().zip(end);
        let origin = origin(process);
        let input = Input {
            pid: Some(&own),
            about: about.as_ref().map_or(Subject::None, Subject::Pid),
            end: end.map(|(of, (_, reason))| End {
                of,
                reason: Some(reason),
            }),
            mono_ns: Some(self.1 as i64),
            ..Input::new(&origin, self.1, Stamp::from_ns(self.1), kind)
        };
        self.0.push(input).unwrap();
    }

    fn edges(self) -> Vec<(At, At, EdgeKind)> {
        let picture = self.0.finish().unwrap();
        let edge = |edge: &Edge| (edge.cause, edge.effect, edge.kind);
        picture.edges().iter().map(edge).collect()
    }
}

const PARENT: usize = 0;
const CHILD: usize = 3;
const WATCH: usize = 6;

#[test]
fn a_spawn_leads_to_what_the_child_did_first() {
    let mut told = Told::default();
    told.add(CHILD, Kind::Mark, None, None);
    told.add(PARENT, Kind::Spawn, Some(CHILD), None);
    told.add(CHILD, Kind::Mark, None, None);
    assert_eq!(told.edges(), [(1, 0, EdgeKind::Spawn)]);
}

#[test]
fn a_pid_that_is_given_again_was_not_spawned_twice() {
    let mut told = Told::default();
    told.add(PARENT, Kind::Spawn, Some(CHILD), None);
    told.add(CHILD, Kind::Mark, None, None);
    told.add(CHILD, Kind::Exit, None, Some((CHILD, 1)));
    told.add(PARENT, Kind::Spawn, Some(CHILD), None);
    told.add(CHILD, Kind::Mark, None, None);
    let edges = told.edges();
    assert_eq!(edges, [(0, 1, EdgeKind::Spawn), (3, 4, EdgeKind::Spawn)]);
}

#[test]
fn an_end_leads_to_who_is_told_of_it() {
    let mut told = Told::default();
    told.add(CHILD, Kind::Exit, None, Some((CHILD, 7)));
    told.add(WATCH, Kind::Receive, Some(CHILD), Some((CHILD, 7)));
    told.add(PARENT, Kind::Receive, Some(CHILD), Some((CHILD, 8)));
    assert_eq!(told.edges(), [(0, 1, EdgeKind::Exit)]);
}

#[test]
fn an_end_is_passed_on_along_links_that_hold() {
    let mut told = Told::default();
    told.add(PARENT, Kind::Link, Some(CHILD), None);
    told.add(WATCH, Kind::Link, Some(CHILD), None);
    told.add(WATCH, Kind::Unlink, Some(CHILD), None);
    told.add(CHILD, Kind::Exit, None, Some((CHILD, 7)));
    told.add(WATCH, Kind::Exit, None, Some((WATCH, 7)));
    told.add(PARENT, Kind::Exit, None, Some((PARENT, 7)));
    let edges = told.edges();
    assert_eq!(edges, [(0, 3, EdgeKind::Link), (3, 5, EdgeKind::Exit)]);
}

#[test]
fn a_signal_of_who_goes_on_is_not_of_its_end() {
    let mut told = Told::default();
    told.add(WATCH, Kind::Receive, Some(CHILD), Some((CHILD, 7)));
    told.add(CHILD, Kind::Mark, None, None);
    assert_eq!(told.edges(), []);
}

#[test]
fn a_path_says_what_it_was_and_how_long_it_took() {
    let mut told = Told::default();
    told.add(PARENT, Kind::Mark, None, None);
    told.add(PARENT, Kind::Send, Some(CHILD), None);
    told.add(CHILD, Kind::Receive, Some(PARENT), None);
    told.add(CHILD, Kind::Mark, None, None);
    told.add(CHILD, Kind::Receive, None, None);
    told.0
        .pair((origin(PARENT), 2), (origin(CHILD), 3), Confidence::Likely);
    told.0.clocks(500);
    let picture = told.0.finish().unwrap();
    let path = picture.critical_path(0, 4);
    let ways: Vec<_> = path
        .iter()
        .map(|step| (step.way, step.ns, step.uncertain_ns))
        .collect();
    let message = Way::Edge(EdgeKind::Message, Confidence::Likely);
    let expected = [
        (Way::Process, 1, 0),
        (message, 1, 0),
        (Way::Process, 1, 0),
        (Way::Waiting, 1, 0),
    ];
    assert_eq!(ways, expected);
    assert!(picture.critical_path(4, 0).is_empty());
    assert!(picture.critical_path(0, 99).is_empty());
}

#[test]
fn nothing_is_a_picture_too() {
    let picture = PictureBuilder::new().finish().unwrap();
    assert!(picture.is_empty() && picture.order().is_empty());
    assert_eq!(picture.relation(0, 0), Relation::Unknown);
    assert_eq!(
        (picture.id(0), picture.given(0), picture.process(0)),
        (None, None, None)
    );
}

#[test]
fn the_end_of_time_can_be_moved_no_further() {
    let mut builder = PictureBuilder::new();
    let (one, other) = (pid(0), pid(1));
    let end = Stamp::from_bits(u64::MAX);
    for (seq, pid, kind) in [(1, &one, Kind::Receive), (2, &other, Kind::Send)] {
        let origin = Origin::new("a@host", 1);
        builder
            .push(Input {
                pid: Some(pid),
                ..Input::new(&origin, seq, end, kind)
            })
            .unwrap();
    }
    let id = |seq| (Origin::new("a@host", 1), seq);
    builder.pair(id(1), id(2), Confidence::Exact);
    assert_eq!(builder.finish().unwrap().order(), [1, 0]);
}
