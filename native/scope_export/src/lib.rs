//! The formats other tools read: JSON Lines, so far.
//!
//! An exporter is given one [`Row`] per event and writes it to any [`std::io::Write`]. Terms keep
//! what they were as far as the format has room for it; [`json`] has the rules for JSON.
//!
//! This crate does **not** find events, order them or open files, and knows nothing of stores: who
//! has an event fills in a row.
//!
//! # Examples
//!
//! ```
//! use scope_clock::Stamp;
//! use scope_event::{Kind, Origin, Value};
//! use scope_export::{About, Row, json_line};
//!
//! let row = Row {
//!     origin: &Origin::new("shop@host", 1),
//!     seq: 17,
//!     stamp: Stamp::from_ns(1_000_000_000),
//!     mono_ns: None,
//!     pid: None,
//!     kind: Kind::Mark,
//!     about: About::Name("checkout"),
//!     correlation: None,
//!     data: Some(Value::tuple([Value::Atom("ok".into()), Value::Int(3)])),
//!     truncated: false,
//!     inherited: false,
//!     likely: false,
//!     entry: false,
//!     pairing: None,
//!     received: None,
//! };
//! let mut line = Vec::new();
//! json_line(&row, &mut line)?;
//!
//! let line = String::from_utf8(line)?;
//! assert!(line.contains(r#""time":"1970-01-01T00:00:01.000000000Z""#));
//! assert!(line.contains(r#""subject":"checkout""#));
//! assert!(line.contains(r#""data":{"$tuple":["ok",3]}"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod callgrind;
pub mod csv;
pub mod folded;
pub mod json;
pub mod mermaid;
pub mod otlp;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod perfetto;
pub mod shiviz;
pub mod speedscope;

mod base64;
mod cells;
mod labels;
mod proto;
mod row;
mod time;
mod trace;

pub use callgrind::Callgrind;
pub use csv::{csv_header, csv_record};
pub use folded::Folded;
pub use json::json_line;
pub use mermaid::Mermaid;
pub use otlp::{Encoding, Otlp};
#[cfg(feature = "parquet")]
pub use parquet::ParquetWriter;
pub use perfetto::Perfetto;
pub use row::{About, Pairing, Row};
pub use shiviz::{Shiviz, TooManyProcesses};
pub use speedscope::Speedscope;
pub use trace::{Format, Lacks, Rows, STEP_BYTES, STEP_EVENTS, Trace};

/// The one hash of names and ids: xxh3, 64 bits.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}
