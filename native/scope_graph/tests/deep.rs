//! Shapes on which recursion would end the program: a thread with a small stack asks everything.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use scope_graph::{Builder, Extent, Graph, Kind, Kinds, Walk};

const LENGTH: usize = 200_000;

fn chain(closed: bool) -> Graph {
    let mut builder = Builder::with_capacity(LENGTH);
    let ids: Vec<_> = (0..LENGTH)
        .map(|at| builder.module(&format!("M{at}")).unwrap())
        .collect();
    for pair in ids.windows(2) {
        builder
            .define(pair[0], [(pair[1], Kind::Compile, None)])
            .unwrap();
    }
    let back = closed.then_some((ids[0], Kind::Runtime, None));
    builder.define(ids[LENGTH - 1], back).unwrap();
    builder.build()
}

fn on_a_small_stack(ask: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(128 * 1024);
    thread.spawn(ask).unwrap().join().unwrap();
}

#[test]
fn a_long_chain_is_no_deeper_than_a_short_one() {
    on_a_small_stack(|| {
        let graph = chain(false);
        let (first, last) = (graph.id("M0").unwrap(), graph.id("M199999").unwrap());
        assert_eq!(graph.components(Kinds::ALL).len(), LENGTH);
        assert_eq!(graph.layers(Kinds::ALL).len(), LENGTH);
        assert_eq!(graph.cycles(Kinds::ALL), []);
        assert_eq!(graph.walk(&[last], Walk::dependents()).depth(), LENGTH - 1);
        assert_eq!(
            graph.why(first, last, Kinds::ALL).map(|way| way.len()),
            Some(LENGTH)
        );
        assert_eq!(
            graph.gates(first, last, Kinds::ALL).map(|way| way.len()),
            Some(LENGTH - 2)
        );
        assert_eq!(
            graph.affected(&[last], Extent::Bodies).recompiled.len(),
            LENGTH - 1
        );
        assert_eq!(Graph::from_bytes(&graph.to_bytes()), Ok(graph));
    });
}

#[test]
fn a_long_cycle_is_one_component() {
    on_a_small_stack(|| {
        let graph = chain(true);
        let cycles = graph.cycles(Kinds::ALL);
        assert_eq!((cycles.len(), cycles[0].modules.len()), (1, LENGTH));
        assert_eq!(cycles[0].kinds, Kinds::COMPILE | Kinds::RUNTIME);
        assert_eq!(graph.layers(Kinds::ALL).len(), 1);
        assert_eq!(graph.cycles(Kinds::COMPILE), []);
    });
}
