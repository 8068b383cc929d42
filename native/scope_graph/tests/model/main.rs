//! The graph against a model that is too simple to be wrong: sets of names.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod naive;
mod operations;
mod queries;
mod values;

use naive::Naive;
use proptest::prelude::*;
use scope_graph::{Graph, Kind, Reference};

/// Few names, so that lists meet, cycles form and names disappear and come back.
const MODULES: [&str; 9] = [
    "A",
    "B",
    "C",
    "D",
    "Shop",
    "Shop.Cart",
    "Shop.Cart.Item",
    "É",
    "Z",
];
const FILES: [&str; 3] = ["lib/a.ex", "lib/a.eex", "lib/shop/cart.ex"];

/// Cases per property; `SCOPE_LONG=1` raises the count.
fn cases() -> ProptestConfig {
    let long = std::env::var_os("SCOPE_LONG").is_some();
    ProptestConfig::with_cases(if long { 100_000 } else { 1_000 })
}

#[derive(Clone, Debug)]
enum Operation {
    Replace(&'static str, Vec<Reference<'static>>),
    Observe(&'static str, Vec<Reference<'static>>),
    Forget(&'static str),
    Remove(&'static str),
}

impl Operation {
    fn module(&self) -> &'static str {
        match self {
            Self::Replace(module, _) | Self::Observe(module, _) => module,
            Self::Forget(module) | Self::Remove(module) => module,
        }
    }
}

fn module() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&MODULES[..])
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(&Kind::ALL[..])
}

fn reference() -> impl Strategy<Value = Reference<'static>> {
    let place = prop::option::of((prop::sample::select(&FILES[..]), 0_u32..4));
    (module(), kind(), place).prop_map(|(to, kind, place)| {
        let reference = Reference::new(to, kind);
        place.map_or(reference, |(file, line)| reference.at(file, line))
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let list = || prop::collection::vec(reference(), 0..4);
    prop_oneof![
        6 => (module(), list()).prop_map(|(module, list)| Operation::Replace(module, list)),
        2 => (module(), list()).prop_map(|(module, list)| Operation::Observe(module, list)),
        1 => module().prop_map(Operation::Forget),
        2 => module().prop_map(Operation::Remove),
    ]
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), 0..24)
}

fn run(operations: &[Operation]) -> (Graph, Naive) {
    let (mut graph, mut naive) = Default::default();
    for operation in operations {
        perform(&mut graph, operation);
        naive = Naive::after(naive, operation);
    }
    (graph, naive)
}

fn perform(graph: &mut Graph, operation: &Operation) -> scope_graph::Change {
    match operation {
        Operation::Replace(module, list) => graph.replace(module, list.iter().copied()).unwrap(),
        Operation::Observe(module, list) => graph.observe(module, list.iter().copied()).unwrap(),
        Operation::Forget(module) => graph.forget_observed(module),
        Operation::Remove(module) => graph.remove(module),
    }
}
