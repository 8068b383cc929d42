//! Parquet: the table of events in columns, for what asks questions in SQL.
//!
//! The columns are those of [`csv`](crate::csv); `time` and `received_at` are timestamps of
//! nanoseconds in UTC. Rows are written in groups of [`GROUP_ROWS`], so that a writer holds one group and
//! the footer that lists them, however many there are.

use crate::cells::{COLUMNS, Cell, Sort, cells};
use crate::row::Row;
use parquet::basic::ZstdLevel;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of one group: large enough that a column compresses, small enough to be held.
pub const GROUP_ROWS: usize = 16 * 1024;

/// Bytes of text in one group, after which it ends before it has all its rows.
pub const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// Writes a file of events, a group of rows at a time.
pub struct ParquetWriter {
    file: SerializedFileWriter<Shared>,
    out: Shared,
    columns: Vec<Column>,
    /// Rows, and bytes of text, that are in `columns`.
    rows: usize,
    bytes: usize,
}

/// Where the file's writer, which wants to own what it writes to, leaves its bytes.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        room.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A column of the group at hand: the values, and for each row whether it has one.
#[derive(Default)]
struct Column {
    there: Vec<i16>,
    ints: Vec<i64>,
    bools: Vec<bool>,
    texts: Vec<ByteArray>,
}

impl ParquetWriter {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// Those of the crate that writes Parquet.
    pub fn new() -> io::Result<Self> {
        let out = Shared::default();
        let properties = WriterProperties::builder()
            .set_created_by("elixir_scope".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let schema = Arc::new(schema().map_err(error)?);
        let file = SerializedFileWriter::new(out.clone(), schema, Arc::new(properties));
        Ok(Self {
            file: file.map_err(error)?,
            out,
            columns: (0..COLUMNS.len()).map(|_| Column::default()).collect(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Takes a row; a group that is full goes to `out`.
    ///
    /// # Errors
    ///
    /// Those of `out` and of the crate that writes Parquet.
    pub fn row(&mut self, row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells(row)) {
            self.bytes += column.push(cell);
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.group()?;
        }
        out.write_all(&self.out.take())
    }

    /// Writes what is left, and the footer.
    ///
    /// # Errors
    ///
    /// Those of `out` and of the crate that writes Parquet.
    pub fn finish(mut self, out: &mut impl Write) -> io::Result<()> {
        if self.rows > 0 {
            self.group()?;
        }
        self.file.finish().map_err(error)?;
        out.write_all(&self.out.take())
    }

    fn group(&mut self) -> io::Result<()> {
        let mut group = self.file.next_row_group().map_err(error)?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column().map_err(error)? else {
                break;
            };
            column.write(writer.untyped()).map_err(error)?;
            writer.close().map_err(error)?;
            column.clear();
        }
        group.close().map_err(error)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Column {
    /// Takes a cell, and says how many bytes of text that is.
    fn push(&mut self, cell: Cell<'_>) -> usize {
        self.there.push(i16::from(cell != Cell::Empty));
        match cell {
            Cell::Empty => return 0,
            Cell::Int(value) => self.ints.push(value),
            Cell::Time(ns) => self.ints.push(i64::try_from(ns).unwrap_or(i64::MAX)),
            Cell::Bool(value) => self.bools.push(value),
            Cell::Text(text) | Cell::Own(text) => {
                let length = text.len();
                self.texts.push(text.into_owned().into_bytes().into());
                return length;
            }
        }
        8
    }

    fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let there = Some(&*self.there);
        match writer {
            ColumnWriter::Int64ColumnWriter(to) => to.write_batch(&self.ints, there, None)?,
            ColumnWriter::BoolColumnWriter(to) => to.write_batch(&self.bools, there, None)?,
            ColumnWriter::ByteArrayColumnWriter(to) => to.write_batch(&self.texts, there, None)?,
            _ => 0,
        };
        Ok(())
    }

    fn clear(&mut self) {
        self.there.clear();
        self.ints.clear();
        self.bools.clear();
        self.texts.clear();
    }
}

fn schema() -> Result<Type, ParquetError> {
    let fields = COLUMNS.iter().map(|(name, sort)| {
        let (physical, logical) = match sort {
            Sort::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Sort::Int => (Physical::INT64, None),
            Sort::Bool => (Physical::BOOLEAN, None),
            Sort::Time => (Physical::INT64, Some(nanoseconds())),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        field.build().map(Arc::new)
    });
    let fields = fields.collect::<Result<_, _>>()?;
    Type::group_type_builder("event")
        .with_fields(fields)
        .build()
}

fn nanoseconds() -> LogicalType {
    LogicalType::timestamp(true, TimeUnit::NANOS)
}

fn error(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
