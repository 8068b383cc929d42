//! Asking the graph.

use std::collections::BTreeSet;

use petgraph::algo::kosaraju_scc;
use proptest::prelude::*;
use scope_graph::{Direction, Extent, Graph, Kind, Kinds, ModuleId, Walk};

use crate::naive::{Naive, Name, distances, flipped, name, names};
use crate::{MODULES, cases, kind, module, operations, run};

fn kinds() -> impl Strategy<Value = Kinds> {
    prop::collection::vec(kind(), 0..=4).prop_map(|kinds: Vec<Kind>| kinds.into_iter().collect())
}

fn ids(graph: &Graph, names: &BTreeSet<Name>) -> Vec<ModuleId> {
    names.iter().filter_map(|name| graph.id(name)).collect()
}

/// Who is reached, without the starts.
fn reached(naive: &Naive, kinds: Kinds, back: bool, starts: &BTreeSet<Name>) -> BTreeSet<Name> {
    let pairs = naive.pairs(kinds);
    let pairs = if back { flipped(&pairs) } else { pairs };
    let found = distances(&pairs, starts).into_keys();
    found.filter(|name| !starts.contains(name)).collect()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_walk_finds_everything_at_its_distance(
        list in operations(),
        starts in prop::collection::btree_set(module(), 0..3),
        kinds in kinds(),
        back in any::<bool>(),
        depth in 0_usize..6,
    ) {
        let (graph, naive) = run(&list);
        let direction = if back { Direction::Dependents } else { Direction::Dependencies };
        let walk = Walk::new(direction).by(kinds);
        let pairs = if back { flipped(&naive.pairs(kinds)) } else { naive.pairs(kinds) };
        let mut expected = distances(&pairs, &starts);
        expected.retain(|name, _| !starts.contains(name));

        let all = graph.walk(&ids(&graph, &starts), walk);
        prop_assert_eq!(all.modules().len(), expected.len());
        for distance in 0..=all.depth() + 1 {
            let there = expected.iter().filter(|(_, at)| **at == distance);
            let there: BTreeSet<_> = there.map(|(name, _)| *name).collect();
            prop_assert_eq!(names(&graph, all.at(distance)), there);
        }
        let near = graph.walk(&ids(&graph, &starts), walk.depth(depth));
        prop_assert_eq!(near.depth(), depth.min(all.depth()));
        prop_assert_eq!(near.modules(), &all.modules()[..near.modules().len()]);
    }

    #[test]
    fn why_is_a_shortest_way_and_gates_are_what_cannot_be_avoided(
        list in operations(),
        from in module(),
        to in module(),
        kinds in kinds(),
    ) {
        let (graph, naive) = run(&list);
        let pairs = naive.pairs(kinds);
        let expected = distances(&pairs, &BTreeSet::from([from])).get(to).copied();
        let (Some(start), Some(end)) = (graph.id(from), graph.id(to)) else {
            return Ok(());
        };

        let why = graph.why(start, end, kinds);
        prop_assert_eq!(why.as_ref().map(|path| path.len() - 1), expected);
        for step in why.iter().flat_map(|path| path.windows(2)) {
            prop_assert!(graph.edge(step[0], step[1]).meets(kinds));
        }
        if let Some(path) = &why {
            prop_assert_eq!((path[0], path[path.len() - 1]), (start, end));
        }

        if from != to {
            let without = |gate: Name| pairs.iter().copied().filter(|(a, b)| *a != gate && *b != gate).collect();
            let cut = |gate: &Name| *gate != from && *gate != to
                && !distances(&without(gate), &BTreeSet::from([from])).contains_key(to);
            let gates: BTreeSet<_> = MODULES.into_iter().filter(cut).collect();
            let found = graph.gates(start, end, kinds);
            prop_assert_eq!(found.is_some(), expected.is_some());
            if let Some(found) = found {
                prop_assert_eq!(names(&graph, &found), gates);
                let on_the_way: Vec<_> = why.unwrap().into_iter().filter(|id| found.contains(id)).collect();
                prop_assert_eq!(on_the_way, found);
            }
        }
    }

    #[test]
    fn components_are_those_that_reach_each_other(list in operations(), kinds in kinds()) {
        let (graph, naive) = run(&list);
        let pairs = naive.pairs(kinds);
        let reach = |from, to| distances(&pairs, &BTreeSet::from([from])).contains_key(to);
        let components = graph.components(kinds);
        for from in graph.modules() {
            for to in graph.modules() {
                let (a, b) = (name(&graph, from), name(&graph, to));
                let same = a == b || (reach(a, b) && reach(b, a));
                prop_assert_eq!(components.of(from) == components.of(to), same);
                let before = components.of(to) <= components.of(from);
                prop_assert!(before || !reach(a, b), "dependencies come first");
            }
        }
        let members: BTreeSet<_> = components.iter().map(|members| names(&graph, members)).collect();
        let peer = kosaraju_scc(graph.view(kinds));
        prop_assert_eq!(members, peer.iter().map(|members| names(&graph, members)).collect());
        for (number, members) in components.iter().enumerate() {
            prop_assert!(members.iter().all(|id| components.of(*id) == Some(number)));
        }
    }

    #[test]
    fn cycles_are_the_modules_that_reach_themselves(list in operations(), kinds in kinds()) {
        let (graph, naive) = run(&list);
        let pairs = naive.pairs(kinds);
        let own = |name: &Name| distances(&pairs, &BTreeSet::from([*name])).contains_key(name);
        let expected: BTreeSet<_> = naive.modules().into_iter().filter(own).collect();

        let cycles = graph.cycles(kinds);
        let found = cycles.iter().flat_map(|cycle| names(&graph, &cycle.modules));
        prop_assert_eq!(found.collect::<BTreeSet<_>>(), expected);
        for cycle in &cycles {
            let members = names(&graph, &cycle.modules);
            let inside = naive.edges().into_iter().filter(|((from, to), of)| {
                members.contains(from) && members.contains(to) && of.meets(kinds)
            });
            prop_assert_eq!(inside.fold(Kinds::NONE, |all, (_, of)| all | of), cycle.kinds);
            prop_assert!(cycle.modules.is_sorted_by_key(|id| graph.name(*id)));
        }
        prop_assert!(cycles.is_sorted_by_key(|cycle| std::cmp::Reverse(cycle.modules.len())));
    }

    #[test]
    fn layers_hold_every_module_once_above_what_it_depends_on(list in operations(), kinds in kinds()) {
        let (graph, naive) = run(&list);
        let (layers, components) = (graph.layers(kinds), graph.components(kinds));
        prop_assert_eq!(layers.iter().map(<[_]>::len).sum::<usize>(), graph.len());
        let layer = |name: Name| {
            let id = graph.id(name).unwrap();
            layers.iter().position(|layer| layer.contains(&id)).unwrap()
        };
        let component = |name: Name| components.of(graph.id(name).unwrap());
        for (from, to) in naive.pairs(kinds) {
            let inside = component(from) == component(to);
            prop_assert_eq!(layer(from) == layer(to), inside);
            prop_assert!(layer(from) >= layer(to));
        }
        for (height, layer) in layers.iter().enumerate().skip(1) {
            for id in layer {
                let group = components.get(components.of(*id).unwrap()).unwrap();
                let mut below = group.iter().flat_map(|id| graph.direct(*id, Direction::Dependencies, kinds));
                let lower = layers.get(height - 1).unwrap();
                prop_assert!(below.any(|(to, _)| lower.contains(&to)), "no higher than need be");
            }
        }
    }

    #[test]
    fn affected_is_what_the_compiler_would_say(
        list in operations(),
        changed in prop::collection::btree_set(module(), 0..3),
        exports in any::<bool>(),
    ) {
        let (graph, naive) = run(&list);
        let mut stale = reached(&naive, Kinds::DECLARED, true, &changed);
        stale.extend(&changed);
        let users = |kinds, of: &BTreeSet<Name>| -> BTreeSet<Name> {
            let pairs = naive.pairs(kinds).into_iter();
            pairs.filter(|(_, to)| of.contains(to)).map(|(from, _)| from).collect()
        };
        let mut recompiled = users(Kinds::COMPILE, &stale);
        if exports {
            recompiled.extend(users(Kinds::EXPORTS, &changed));
        }
        let recompiled = &recompiled - &changed;
        let others = &reached(&naive, Kinds::ALL, true, &changed) - &recompiled;

        let extent = if exports { Extent::Exports } else { Extent::Bodies };
        let affected = graph.affected(&ids(&graph, &changed), extent);
        prop_assert_eq!(names(&graph, &affected.recompiled), recompiled);
        prop_assert_eq!(names(&graph, &affected.reached), others);
    }
}
