//! From any bytes to a value or a typed error.

use super::names;
use super::number::Reader;
use super::seal::{DIFF, GRAPH, open};
use crate::builder::Builder;
use crate::fact::{Fact, NO_FILE};
use crate::{DecodeError, Diff, Graph, Kind, Version};

impl Graph {
    /// The graph that [`Graph::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] for any bytes that it did not write. Memory is in proportion to their
    /// length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(open(GRAPH, bytes)?);
        let version = read_version(&mut reader)?;
        let graph = read_content(&mut reader)?;
        at_end(&reader)?;
        Ok(Self { version, ..graph })
    }
}

impl Diff {
    /// The difference that [`Diff::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] for any bytes that it did not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(open(DIFF, bytes)?);
        let diff = Self {
            from: read_version(&mut reader)?,
            to: read_version(&mut reader)?,
            removed: read_content(&mut reader)?,
            added: read_content(&mut reader)?,
        };
        at_end(&reader)?;
        Ok(diff)
    }
}

fn at_end(reader: &Reader<'_>) -> Result<(), DecodeError> {
    (reader.left() == 0)
        .then_some(())
        .ok_or(DecodeError::NotCanonical)
}

fn read_version(reader: &mut Reader<'_>) -> Result<Version, DecodeError> {
    Ok(Version {
        content: reader.number()?,
        structure: reader.number()?,
    })
}

fn read_content(reader: &mut Reader<'_>) -> Result<Graph, DecodeError> {
    let mut builder = Builder {
        modules: names::read(reader)?,
        files: names::read(reader)?,
        ..Builder::default()
    };
    let named = (builder.modules.len(), builder.files.len());
    for from in 0..named.0 as u32 {
        read_list(reader, from, &mut builder)?;
    }
    let graph = builder.build();
    let all_used = (graph.modules.len(), graph.files.len()) == named;
    all_used.then_some(graph).ok_or(DecodeError::NotCanonical)
}

fn read_list(reader: &mut Reader<'_>, from: u32, into: &mut Builder) -> Result<(), DecodeError> {
    let head = reader.number()?;
    if head & 1 == 1 {
        into.defined.grow_and_insert(from as usize);
    }
    let count = usize::try_from(head >> 1).map_err(|_| DecodeError::Range)?;
    if count > reader.left() {
        return Err(DecodeError::CutShort);
    }
    let limits = (into.modules.len() as u64, into.files.len() as u32);
    let facts = read_facts(reader, count, limits)?;
    into.add(from, facts);
    Ok(())
}

fn read_facts(
    reader: &mut Reader<'_>,
    count: usize,
    limits: (u64, u32),
) -> Result<Vec<Fact>, DecodeError> {
    let mut facts: Vec<Fact> = Vec::with_capacity(count);
    let mut place = (0, 0);
    for _ in 0..count {
        let fact = read_fact(reader, facts.last(), &mut place, limits)?;
        if facts.last().is_some_and(|before| *before >= fact) {
            return Err(DecodeError::NotCanonical);
        }
        facts.push(fact);
    }
    Ok(facts)
}

fn read_fact(
    reader: &mut Reader<'_>,
    before: Option<&Fact>,
    place: &mut (u32, u32),
    (modules, files): (u64, u32),
) -> Result<Fact, DecodeError> {
    let head = reader.number()?;
    let to = before.map_or(0, |fact| u64::from(fact.to)) + (head >> 3);
    let kind = Kind::from_code((head & 0b11) as u8).ok_or(DecodeError::Range)?;
    let placed = head & 0b100 != 0;
    if placed {
        *place = (reader.step(place.0)?, reader.step(place.1)?);
    }
    if to >= modules || (placed && place.0 >= files) {
        return Err(DecodeError::Range);
    }
    let (file, line) = if placed { *place } else { (NO_FILE, 0) };
    Ok(Fact {
        to: to as u32,
        kind,
        file,
        line,
    })
}
