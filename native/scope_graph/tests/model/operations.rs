//! Changing the graph.

use proptest::prelude::*;
use scope_graph::{Builder, Change, Graph, Kinds};

use crate::naive::{Naive, name};
use crate::{Operation, cases, module, operation, operations, perform, reference, run};

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn after_any_changes_the_graph_says_what_the_sets_say(list in operations()) {
        let (graph, naive) = run(&list);
        prop_assert_eq!(Naive::of(&graph), naive.clone());
        prop_assert_eq!(graph.len(), naive.modules().len());
        prop_assert_eq!(graph.edges(), naive.edges().len());
    }

    #[test]
    fn each_edge_is_seen_from_both_ends_with_its_kinds(list in operations()) {
        let (graph, naive) = run(&list);
        let mut seen = 0;
        for ((from, to), kinds) in naive.edges() {
            let (from, to) = (graph.id(from).unwrap(), graph.id(to).unwrap());
            prop_assert_eq!(graph.edge(from, to), kinds);
            prop_assert!(graph.dependencies(from).any(|found| found == (to, kinds)));
            prop_assert!(graph.dependents(to).any(|found| found == (from, kinds)));
            let of_places: Kinds = graph.between(from, to).map(|at| at.kind).collect();
            prop_assert_eq!(of_places, kinds);
            seen += 1;
        }
        prop_assert_eq!(graph.modules().map(|id| graph.dependents(id).count()).sum::<usize>(), seen);
    }

    #[test]
    fn versions_move_exactly_with_what_they_count(list in operations(), last in operation()) {
        let (mut graph, before) = run(&list);
        let version = graph.version();
        let change = perform(&mut graph, &last);
        let after = before.clone().after(&last);

        let shape = |naive: &Naive| (naive.defined.clone(), naive.edges());
        let expected = match (before == after, shape(&before) == shape(&after)) {
            (true, _) => Change::None,
            (false, true) => Change::Places,
            (false, false) => Change::Structure,
        };
        prop_assert_eq!(change, expected);
        let moved = |now: u64, then: u64| now - then;
        prop_assert_eq!(moved(graph.version().content, version.content), u64::from(before != after));
        let structure = moved(graph.version().structure, version.structure);
        prop_assert_eq!(structure, u64::from(expected == Change::Structure));
    }

    #[test]
    fn the_same_list_again_changes_nothing(
        list in operations(),
        module in module(),
        mut references in prop::collection::vec(reference(), 0..6),
    ) {
        let (mut graph, _) = run(&list);
        graph.replace(module, references.iter().copied()).unwrap();
        let (version, bytes) = (graph.version(), graph.to_bytes());
        references.reverse();
        references.extend(references.clone());
        prop_assert_eq!(graph.replace(module, references), Ok(Change::None));
        prop_assert_eq!((graph.version(), graph.to_bytes()), (version, bytes));
    }

    #[test]
    fn loading_at_once_is_loading_one_by_one(list in operations()) {
        let (graph, naive) = run(&list);
        let mut declared = graph.clone();
        let undefined = graph.modules().filter(|id| !graph.is_defined(*id));
        undefined.for_each(|id| { declared.remove(graph.name(id).unwrap()); });
        let mut builder = Builder::with_capacity(4);
        let unused = builder.module("nobody names it").unwrap();
        builder.file("nor this").unwrap();
        for module in &naive.defined {
            let of_it = naive.references.iter().filter(|(from, _)| from == module);
            let (half, rest): (Vec<_>, Vec<_>) = of_it.map(|(_, it)| *it).partition(|it| it.to > "C");
            builder.define_named(module, half).unwrap();
            builder.define_named(module, rest).unwrap();
        }
        let loaded = builder.build();
        prop_assert_eq!(&loaded, &declared);
        prop_assert!(loaded.modules().all(|id| id != unused));
    }

    #[test]
    fn numbers_are_used_again(list in operations()) {
        let (mut graph, _) = run(&list);
        for _ in 0..3 {
            list.iter().for_each(|operation| { perform(&mut graph, operation); });
            crate::MODULES.iter().for_each(|module| { graph.remove(module); });
            prop_assert!(graph.is_empty());
            prop_assert_eq!(&graph, &Graph::new());
        }
    }
}

#[test]
fn a_removed_module_stays_as_long_as_others_name_it() {
    let mut graph = Graph::new();
    perform(
        &mut graph,
        &Operation::Replace(
            "A",
            vec![scope_graph::Reference::new("B", scope_graph::Kind::Runtime)],
        ),
    );
    perform(&mut graph, &Operation::Replace("B", vec![]));
    assert_eq!(graph.remove("B"), Change::Structure);
    assert!(!graph.is_defined(graph.id("B").unwrap()));
    assert_eq!(graph.remove("A"), Change::Structure);
    assert_eq!(graph.id("B"), None);
    assert_eq!(graph.remove("A"), Change::None);
}

#[test]
fn ids_of_nothing_are_harmless() {
    let (full, _) = run(&[Operation::Replace("A", vec![])]);
    let stale = full.id("A").unwrap();
    let empty = Graph::new();
    assert_eq!((empty.name(stale), empty.is_defined(stale)), (None, false));
    assert_eq!(
        empty.dependencies(stale).count() + empty.between(stale, stale).count(),
        0
    );
    assert!(
        empty
            .walk(&[stale], scope_graph::Walk::dependents())
            .modules()
            .is_empty()
    );
    assert_eq!(empty.why(stale, stale, Kinds::ALL), None);
    assert_eq!(empty.gates(stale, stale, Kinds::ALL), None);
    assert_eq!(empty.components(Kinds::ALL).of(stale), None);
    assert_eq!(
        empty.affected(&[stale], scope_graph::Extent::Exports),
        Default::default()
    );
    assert_eq!(name(&full, stale), "A");
}
