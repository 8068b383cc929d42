//! The graph as a value: equality, differences, bytes.

use proptest::prelude::*;
use scope_graph::{DecodeError, Diff, Graph, GraphError};

use crate::naive::Naive;
use crate::{Operation, cases, operations, perform, run};

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn graphs_are_equal_when_they_say_the_same(one in operations(), two in operations()) {
        let (a, b) = (run(&one), run(&two));
        prop_assert_eq!(a.0 == b.0, a.1 == b.1);
        prop_assert_eq!(&a.0, &a.0.clone());
    }

    #[test]
    fn a_difference_leads_from_one_to_the_other_and_back(one in operations(), two in operations()) {
        let (old, before) = run(&one);
        let (new, after) = run(&two);
        let diff = Diff::between(&old, &new);
        let minus = |a: &Naive, b: &Naive| (&a.defined - &b.defined, &a.references - &b.references);
        let says = |graph: &Graph| { let said = Naive::of(graph); (said.defined, said.references) };
        prop_assert_eq!(says(&diff.removed), minus(&before, &after));
        prop_assert_eq!(says(&diff.added), minus(&after, &before));
        prop_assert_eq!(diff.is_empty(), before == after);

        let mut graph = old.clone();
        prop_assert_eq!(graph.apply(&diff), Ok(()));
        prop_assert_eq!(&graph, &new);
        prop_assert_eq!((graph.version(), graph.to_bytes()), (new.version(), new.to_bytes()));
        prop_assert_eq!(graph.apply(&diff.inverse()), Ok(()));
        prop_assert_eq!((graph.to_bytes(), graph), (old.to_bytes(), old));
    }

    #[test]
    fn a_chain_of_differences_keeps_a_copy_equal(list in operations()) {
        let (mut graph, mut copy) = (Graph::new(), Graph::new());
        for operation in &list {
            let (before, part) = (graph.clone(), graph.part([operation.module()]));
            perform(&mut graph, operation);
            let diff = Diff::between(&part, &graph.part([operation.module()]));
            prop_assert_eq!(&diff, &Diff::between(&before, &graph));
            let bytes = diff.to_bytes();
            copy.apply(&Diff::from_bytes(&bytes).unwrap()).unwrap();
            prop_assert_eq!(copy.to_bytes(), graph.to_bytes());
        }
    }

    #[test]
    fn a_difference_of_other_graphs_is_refused_whole(
        one in operations(),
        two in operations(),
        three in operations(),
    ) {
        let ((old, before), (new, after), (mut other, there)) = (run(&one), run(&two), run(&three));
        let mut diff = Diff::between(&old, &new);
        let bytes = other.to_bytes();
        diff.from = other.version();
        let fits = (&before.defined - &after.defined).is_subset(&there.defined)
            && (&before.references - &after.references).is_subset(&there.references)
            && (&after.defined - &before.defined).is_disjoint(&there.defined)
            && (&after.references - &before.references).is_disjoint(&there.references);
        let applied = other.apply(&diff);
        prop_assert_eq!(applied, if fits { Ok(()) } else { Err(GraphError::OtherGraph) });
        prop_assert!(fits || other.to_bytes() == bytes);
        diff.from.content = diff.to.content + 1;
        let (expected, found) = (diff.from.content, other.version().content);
        if expected != found {
            prop_assert_eq!(other.apply(&diff), Err(GraphError::OtherVersion { expected, found }));
        }
    }

    #[test]
    fn bytes_bring_the_graph_back_and_are_the_same_for_equal_ones(list in operations()) {
        let (graph, naive) = run(&list);
        let bytes = graph.to_bytes();
        let back = Graph::from_bytes(&bytes).unwrap();
        prop_assert_eq!(Naive::of(&back), naive);
        prop_assert_eq!(back.version(), graph.version());
        prop_assert_eq!(back.to_bytes(), bytes);
        prop_assert_eq!(&back, &graph);
    }

    #[test]
    fn any_bytes_are_an_error_or_a_value(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        diff in any::<bool>(),
    ) {
        let mark = if diff { b"SGD\x01" } else { b"SGG\x01" };
        let sealed = [mark, &crc32c::crc32c(&bytes).to_le_bytes()[..], &bytes].concat();
        if let Ok(graph) = Graph::from_bytes(&sealed) {
            prop_assert_eq!(graph.to_bytes(), &sealed[..]);
        }
        if let Ok(diff) = Diff::from_bytes(&sealed) {
            prop_assert_eq!(diff.to_bytes(), &sealed[..]);
        }
        prop_assert!(Graph::from_bytes(&bytes).is_err());
    }

    #[test]
    fn a_few_damaged_bytes_behind_a_sound_seal_do_no_harm(
        list in operations(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (graph, _) = run(&list);
        let mut body = graph.to_bytes().split_off(8);
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let sealed = [b"SGG\x01", &crc32c::crc32c(&body).to_le_bytes()[..], &body].concat();
        if let Ok(mut graph) = Graph::from_bytes(&sealed) {
            prop_assert_eq!(graph.to_bytes(), sealed);
            perform(&mut graph, &Operation::Remove("A"));
        }
    }
}

#[test]
fn a_graph_is_no_difference_and_a_later_format_is_neither() {
    let graph = Graph::new();
    assert_eq!(
        Diff::from_bytes(&graph.to_bytes()),
        Err(DecodeError::Format)
    );
    let mut later = graph.to_bytes();
    later[3] = 2;
    assert_eq!(Graph::from_bytes(&later), Err(DecodeError::Format));
    assert_eq!(Graph::from_bytes(b"SGG\x01abc"), Err(DecodeError::CutShort));
    assert_eq!(
        Graph::from_bytes(b"SGG\x01abcd"),
        Err(DecodeError::Checksum)
    );
}
