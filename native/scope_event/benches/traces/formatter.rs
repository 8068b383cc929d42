//! One process that walks trees: deep recursion, hardly a switch.

use super::random::Random;
use super::{Lane, Step, Trace, drained, terms};
use scope_event::{Kind, Subject, SymbolTable};
use std::ops::Range;

const FUNCTIONS: u64 = 140;
const DEEPEST: usize = 28;

struct Load<'a> {
    names: &'a SymbolTable,
    random: Random,
    arena: Vec<u8>,
    terms: bool,
    lane: Lane,
    events: usize,
    /// What each function calls: a few bodies, the first by far the likeliest.
    bodies: Vec<Vec<Vec<u64>>>,
    pid: u64,
}

pub(super) fn trace(name: &'static str, names: &SymbolTable, events: usize, terms: bool) -> Trace {
    let mut random = Random::new(11);
    let bodies = (0..FUNCTIONS).map(|f| bodies(f, &mut random)).collect();
    let mut load = Load {
        names,
        random,
        arena: Vec::new(),
        terms,
        lane: Lane::new(1),
        events,
        bodies,
        pid: 0,
    };
    while load.lane.steps.len() < events {
        load.pid = names.pid_word(200 + load.random.below(3) as u32);
        load.call(0, 0, 1);
    }
    drained(name, vec![load.lane], load.arena, events)
}

fn bodies(function: u64, random: &mut Random) -> Vec<Vec<u64>> {
    (0..3)
        .map(|body| {
            let calls = 1 + random.below(3) + u64::from(function < 20);
            (0..calls - u64::from(body == 2))
                .map(|_| random.below(FUNCTIONS))
                .collect()
        })
        .collect()
}

impl Load<'_> {
    fn call(&mut self, function: u64, depth: usize, node: u64) {
        if self.lane.steps.len() >= self.events {
            return;
        }
        self.event(Kind::Call, function, 205.0, node);
        let body = match self.random.below(100) {
            0..=96 => 0,
            97..=98 => 1,
            _ => 2,
        };
        if depth < DEEPEST && (depth < 6 || self.random.below(200) > 0) {
            let callees = self.bodies[function as usize][body].clone();
            let deeper = if depth > 12 { 1 } else { callees.len() };
            for callee in callees.into_iter().take(deeper) {
                let child = self.child(node);
                self.call(callee, depth + 1, child);
            }
        }
        self.event(Kind::Return, function, 165.0, node);
    }

    /// Every other function passes on the node that it was given.
    fn child(&mut self, node: u64) -> u64 {
        match self.random.below(2) {
            0 => self.random.skewed(60_000),
            _ => node,
        }
    }

    fn event(&mut self, kind: Kind, function: u64, ns: f64, node: u64) {
        self.lane
            .pass(ns + (function % 7) as f64 * 9.0, &mut self.random);
        let module = self
            .names
            .word(["Elixir.Code.Formatter", "Elixir.Inspect.Algebra"][function as usize % 2]);
        let subject = Subject::Mfa {
            module,
            function: self.names.word(&format!("to_algebra_{function}")),
            arity: (function % 4) as u8,
        };
        let data = if self.terms {
            self.node(kind, node)
        } else {
            0..0
        };
        self.lane.steps.push(Step {
            lane: 1,
            kind,
            stamp: self.lane.stamp(),
            pid: self.pid,
            subject,
            data,
        });
    }

    /// A syntax node: `{name, [line: n], [arguments]}`.
    fn node(&mut self, kind: Kind, node: u64) -> Range<usize> {
        let names = self.names;
        terms::put(&mut self.arena, |to| {
            let _ = to.tuple(3);
            let _ =
                to.atom(names.word(["def", "|>", "case", "fn", "->", "%{}"][node as usize % 6]));
            let _ = to.list();
            let _ = to.tuple(2);
            let _ = to.atom(names.word("line"));
            let _ = to.int((node / 5) as i64);
            let _ = to.end();
            let _ = to.list();
            let _ = to.int(node as i64 + i64::from(kind == Kind::Return && node.is_multiple_of(4)));
            let _ = to.end();
        })
    }
}
