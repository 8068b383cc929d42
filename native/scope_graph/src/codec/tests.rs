//! Bytes that are sealed correctly but say what encoding never writes.

use super::number::put;
use super::seal::{DIFF, GRAPH, open, seal};
use crate::{DecodeError, Diff, Graph, Kind, Reference};

fn decode(body: &[u8]) -> Result<Graph, DecodeError> {
    Graph::from_bytes(&seal(GRAPH, body))
}

fn sample() -> Graph {
    let lists = [
        (
            "Elixir.Shop.Cart",
            vec![Reference::new("Elixir.Shop.Money", Kind::Compile).at("cart.ex", 3)],
        ),
        (
            "Elixir.Shop.Order",
            vec![
                Reference::new("Elixir.Shop.Cart", Kind::Runtime).at("order.ex", 9),
                Reference::new("Elixir.Shop.Cart", Kind::Observed),
                Reference::new("Elixir.Shop.Order", Kind::Exports).at("order.ex", 2),
            ],
        ),
    ];
    Graph::load(lists).unwrap()
}

#[test]
fn the_first_format_stays_readable() {
    let graph = Graph::load([("A", vec![Reference::new("Ab", Kind::Runtime).at("f", 2)])]).unwrap();
    let body = [
        0,
        0,
        2,
        0,
        1,
        b'A',
        1,
        1,
        b'b',
        1,
        0,
        1,
        b'f',
        3,
        8 | 4 | 2,
        0,
        4,
        0,
    ];
    assert_eq!(graph.to_bytes(), seal(GRAPH, &body));
    assert_eq!(decode(&body), Ok(graph));
}

#[test]
fn an_empty_graph_is_a_few_bytes() {
    assert_eq!(Graph::new().to_bytes().len(), 12);
    assert_eq!(decode(&[0, 0, 0, 0]), Ok(Graph::new()));
}

#[test]
fn what_is_not_canonical_is_refused() {
    let two = [0, 0, 2, 0, 1, b'B', 0, 1, b'A', 0, 1, 1];
    assert_eq!(
        decode(&two),
        Err(DecodeError::NotCanonical),
        "names descend"
    );
    let unused = [0, 0, 1, 0, 1, b'A', 0, 0];
    assert_eq!(
        decode(&unused),
        Err(DecodeError::NotCanonical),
        "a name nothing uses"
    );
    let long = [0x80, 0, 0, 0, 0];
    assert_eq!(
        decode(&long),
        Err(DecodeError::NotCanonical),
        "a number longer than need be"
    );
    let twice = [0, 0, 1, 0, 1, b'A', 0, 5, 2, 2];
    assert_eq!(
        decode(&twice),
        Err(DecodeError::NotCanonical),
        "a reference twice"
    );
    let more = [0, 0, 0, 0, 0];
    assert_eq!(
        decode(&more),
        Err(DecodeError::NotCanonical),
        "bytes behind the end"
    );
}

#[test]
fn what_points_outside_is_refused() {
    let module = [0, 0, 1, 0, 1, b'A', 0, 3, 8];
    assert_eq!(decode(&module), Err(DecodeError::Range));
    let file = [0, 0, 1, 0, 1, b'A', 0, 3, 4, 0, 0];
    assert_eq!(decode(&file), Err(DecodeError::Range));
    let shared = [0, 0, 2, 0, 1, b'A', 9, 1, b'B', 0, 1, 1];
    assert_eq!(decode(&shared), Err(DecodeError::Range));
}

#[test]
fn counts_that_the_bytes_cannot_hold_are_refused() {
    for count in [5, 1 << 20, 1 << 40, u64::MAX] {
        let mut body = vec![0, 0];
        put(&mut body, count);
        assert_eq!(decode(&body), Err(DecodeError::CutShort));
        let mut body = vec![0, 0, 1, 0, 1, b'A', 0];
        put(&mut body, count | 1);
        assert_eq!(decode(&body), Err(DecodeError::CutShort));
    }
}

#[test]
fn a_name_stands_for_a_bounded_number_of_bytes() {
    let long = "x".repeat(1_000);
    let names: Vec<_> = (0..50).map(|at| format!("{long}{at:02}")).collect();
    let graph = Graph::load(names.iter().map(|name| (name.as_str(), []))).unwrap();
    let bytes = graph.to_bytes();
    assert!(bytes.len() >= 50 * 1_002 / 16);
    assert_eq!(Graph::from_bytes(&bytes), Ok(graph));
}

#[test]
fn text_must_be_text() {
    assert_eq!(decode(&[0, 0, 1, 0, 1, 0xff, 0, 1]), Err(DecodeError::Text));
}

#[test]
fn any_change_of_a_sealed_body_is_an_error_or_another_graph_in_the_same_form() {
    let bytes = sample().to_bytes();
    let body = open(GRAPH, &bytes).unwrap();
    for at in 0..body.len() {
        for byte in 0..=u8::MAX {
            let mut body = body.to_vec();
            body[at] = byte;
            let bytes = seal(GRAPH, &body);
            if let Ok(graph) = Graph::from_bytes(&bytes) {
                assert_eq!(graph.to_bytes(), bytes);
            }
        }
    }
}

#[test]
fn a_body_cut_anywhere_is_an_error() {
    let diff = Diff::between(&Graph::new(), &sample());
    for (mark, bytes) in [(GRAPH, sample().to_bytes()), (DIFF, diff.to_bytes())] {
        let body = open(mark, &bytes).unwrap();
        for end in 0..body.len() {
            let cut = seal(mark, &body[..end]);
            assert!(Graph::from_bytes(&cut).is_err() && Diff::from_bytes(&cut).is_err());
            assert!(Graph::from_bytes(&bytes[..end]).is_err());
        }
    }
}

#[test]
fn one_flipped_bit_is_seen() {
    let bytes = sample().to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Graph::from_bytes(&bytes).is_err());
    }
}
