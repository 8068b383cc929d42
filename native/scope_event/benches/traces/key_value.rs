//! Clients that call servers: short runs of a process, then a switch.

use super::random::Random;
use super::{Lane, Step, Trace, drained, terms};
use scope_event::Subject;
use scope_event::{Kind, SymbolTable, TermWriter};
use std::collections::VecDeque;

const LANES: u64 = 2;
const SERVERS: u64 = 10;
const CLIENTS: u64 = 4;

/// Functions by name; calls nest as in the order of `ASK` and `SERVE`.
const ASK: [(&str, &str, u8); 6] = [
    ("Elixir.KV", "fetch", 2),
    ("Elixir.GenServer", "call", 3),
    ("gen", "call", 4),
    ("gen", "do_for_proc", 2),
    ("gen", "do_call", 4),
    ("erlang", "monitor", 3),
];
const SERVE: [(&str, &str, u8); 6] = [
    ("gen_server", "decode_msg", 9),
    ("gen_server", "handle_msg", 6),
    ("gen_server", "try_handle_call", 4),
    ("Elixir.KV.Server", "handle_call", 3),
    ("Elixir.KV.Server", "lookup", 2),
    ("Elixir.Map", "get", 3),
];

/// What a process does until it waits.
#[derive(Clone, Copy)]
struct Turn {
    pid: u32,
    other: u32,
    key: u64,
    part: Part,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Ask,
    Serve,
    Reply,
}

struct Load<'a> {
    names: &'a SymbolTable,
    random: Random,
    arena: Vec<u8>,
    terms: bool,
}

pub(super) fn trace(name: &'static str, names: &SymbolTable, events: usize, terms: bool) -> Trace {
    let mut load = Load {
        names,
        random: Random::new(7),
        arena: Vec::new(),
        terms,
    };
    let lanes = (0..LANES).map(|lane| load.lane(lane, events)).collect();
    drained(name, lanes, load.arena, events)
}

impl Load<'_> {
    fn lane(&mut self, number: u64, events: usize) -> Lane {
        let mut lane = Lane::new(number as u16 + 1);
        let first = 100 + 50 * number as u32;
        let mut queue: VecDeque<Turn> = (0..CLIENTS as u32)
            .map(|client| Turn {
                pid: first + client,
                other: 0,
                key: 0,
                part: Part::Ask,
            })
            .collect();
        while lane.steps.len() < events / LANES as usize + 1024 {
            let Some(turn) = queue.pop_front() else { break };
            queue.push_back(self.run(turn, first + 10, &mut lane));
        }
        lane
    }

    fn run(&mut self, mut turn: Turn, servers: u32, lane: &mut Lane) -> Turn {
        self.event(lane, Kind::In, &turn, None, 420.0);
        match turn.part {
            Part::Ask => {
                turn.other = servers + self.random.below(SERVERS) as u32;
                turn.key = self.random.skewed(1000);
                ASK.iter()
                    .for_each(|f| self.event(lane, Kind::Call, &turn, Some(f), 210.0));
                self.event(lane, Kind::Return, &turn, Some(&ASK[5]), 170.0);
                self.event(lane, Kind::Send, &turn, None, 330.0);
            }
            Part::Serve => {
                self.event(lane, Kind::Receive, &turn, None, 250.0);
                SERVE
                    .iter()
                    .for_each(|f| self.event(lane, Kind::Call, &turn, Some(f), 225.0));
                let returns = SERVE.iter().rev();
                returns.for_each(|f| self.event(lane, Kind::Return, &turn, Some(f), 160.0));
                self.event(lane, Kind::Send, &turn, None, 350.0);
            }
            Part::Reply => {
                self.event(lane, Kind::Receive, &turn, None, 260.0);
                let returns = ASK[..5].iter().rev();
                returns.for_each(|f| self.event(lane, Kind::Return, &turn, Some(f), 165.0));
            }
        }
        if turn.part != Part::Reply {
            self.event(lane, Kind::Out, &turn, None, 300.0);
        }
        next(turn)
    }

    fn event(
        &mut self,
        lane: &mut Lane,
        kind: Kind,
        turn: &Turn,
        function: Option<&(&str, &str, u8)>,
        ns: f64,
    ) {
        lane.pass(ns, &mut self.random);
        let subject = match (function, kind) {
            (Some((module, name, arity)), _) => Subject::Mfa {
                module: self.names.word(module),
                function: self.names.word(name),
                arity: *arity,
            },
            (None, Kind::Send) => Subject::Pid(self.names.pid_word(turn.other)),
            _ => Subject::None,
        };
        let data = if self.terms {
            self.data(kind, turn, function)
        } else {
            0..0
        };
        lane.steps.push(Step {
            lane: lane.number,
            kind,
            stamp: lane.stamp(),
            pid: self.names.pid_word(turn.pid),
            subject,
            data,
        });
    }

    fn data(
        &mut self,
        kind: Kind,
        turn: &Turn,
        function: Option<&(&str, &str, u8)>,
    ) -> std::ops::Range<usize> {
        let names = self.names;
        let value = self.random.skewed(5000) as i64;
        match (kind, function) {
            (Kind::In | Kind::Out, _) => 0..0,
            (Kind::Call, Some((_, _, arity))) => terms::put(&mut self.arena, |to| {
                let _ = to.list();
                (0..(*arity).min(4)).for_each(|i| argument(i, turn, names, to));
                let _ = to.end();
            }),
            (Kind::Return, _) => terms::put(&mut self.arena, |to| {
                let _ = to.tuple(2);
                let _ = to.atom(names.word("ok"));
                let _ = to.int(turn.key as i64 * 3);
            }),
            _ => terms::put(&mut self.arena, |to| {
                let _ = to.tuple(3);
                let _ = to.atom(names.word("$gen_call"));
                let _ = to.pid(names.pid_word(turn.pid));
                request(turn, names, value, to);
            }),
        }
    }
}

fn argument(number: u8, turn: &Turn, names: &SymbolTable, to: &mut TermWriter<'_>) {
    let _ = match number {
        0 => to.pid(names.pid_word(turn.other)),
        1 => {
            request(turn, names, 0, to);
            return;
        }
        2 => to.int(5000),
        _ => to.atom(names.word("infinity")),
    };
}

fn request(turn: &Turn, names: &SymbolTable, _value: i64, to: &mut TermWriter<'_>) {
    let key = format!("user:{}", turn.key);
    let _ = to.tuple(2);
    let _ = to.atom(names.word("fetch"));
    let _ = to.binary(key.as_bytes(), key.len() as u64);
}

fn next(turn: Turn) -> Turn {
    match turn.part {
        Part::Ask => Turn {
            pid: turn.other,
            other: turn.pid,
            part: Part::Serve,
            ..turn
        },
        Part::Serve => Turn {
            pid: turn.other,
            other: turn.pid,
            part: Part::Reply,
            ..turn
        },
        Part::Reply => Turn {
            part: Part::Ask,
            ..turn
        },
    }
}
