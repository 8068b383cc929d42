//! A Parquet file, read back by the crate's own reader: `cargo test -p scope_export --features parquet`.

#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use scope_export::ParquetWriter;
use scope_export::parquet::GROUP_ROWS;
use support::fixture;

fn read(rounds: usize) -> (usize, Vec<Vec<Field>>) {
    let story = fixture::story();
    let (mut file, mut out) = (ParquetWriter::new().unwrap(), Vec::new());
    for _ in 0..rounds {
        for event in &story.events {
            file.row(&event.row(), &mut out).unwrap();
        }
    }
    file.finish(&mut out).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(out)).unwrap();
    let groups = reader.metadata().num_row_groups();
    let rows = reader.get_row_iter(None).unwrap();
    let fields = |row: parquet::record::Row| row.into_columns().into_iter().map(|(_, field)| field);
    (
        groups,
        rows.map(|row| fields(row.unwrap()).collect()).collect(),
    )
}

#[test]
fn every_row_comes_back() {
    let story = fixture::story();
    let (groups, rows) = read(1);
    assert_eq!((groups, rows.len()), (1, story.events.len()));
    for (row, event) in rows.iter().zip(&story.events) {
        assert_eq!(row[0], Field::Str(event.origin.node.to_string()));
        assert_eq!(row[4], Field::Long(event.ns as i64));
        assert_eq!(row[8], Field::Str(event.kind.name().to_owned()));
    }
    let subjects: Vec<_> = rows.iter().map(|row| &row[12]).collect();
    assert!(subjects.contains(&&Field::Str(fixture::HOSTILE.to_owned())));
    assert!(subjects.contains(&&Field::Null));
}

#[test]
fn many_rows_are_several_groups() {
    let events = fixture::story().events.len();
    let rounds = GROUP_ROWS * 2 / events + 1;
    let (groups, rows) = read(rounds);
    assert_eq!((groups, rows.len()), (3, rounds * events));
}

#[test]
fn no_row_is_a_file_too() {
    assert_eq!(read(0), (0, Vec::new()));
}
