//! The model's block: a header, and filler in place of events.

use crate::hash;
use crate::holdings::{BlockInfo, Refusal};
use crate::origin::{Origin, Seq};

const MAGIC: u8 = 0xB5;
const HEADER: usize = 9;

/// A block of events that are only numbers.
///
/// The content of an event follows from its origin, its number and `variant`: two nodes that share
/// an origin by mistake write different variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelBlock {
    /// Whose events.
    pub origin: Origin,
    /// The first number.
    pub from: Seq,
    /// The last number.
    pub to: Seq,
    /// The oldest stamp.
    pub oldest: u64,
    /// The newest stamp.
    pub newest: u64,
    /// Which history the events belong to.
    pub variant: u64,
    /// How many bytes stand for the events.
    pub filler: usize,
    /// The sum of the digests of all events.
    digest: u64,
}

impl ModelBlock {
    /// A block with all its events at `stamp`, four bytes each.
    pub fn new(origin: Origin, from: Seq, to: Seq, stamp: u64) -> Self {
        let filler = usize::try_from((to - from + 1) * 4)
            .unwrap_or(usize::MAX)
            .min(64 << 10);
        let (oldest, newest, variant) = (stamp, stamp, 0);
        let digest = digest(&origin, from, to, variant);
        Self {
            origin,
            from,
            to,
            oldest,
            newest,
            variant,
            filler,
            digest,
        }
    }

    /// The same with other filler.
    #[must_use]
    pub fn with_filler(self, filler: usize) -> Self {
        Self { filler, ..self }
    }

    /// The same numbers in another history.
    #[must_use]
    pub fn with_variant(self, variant: u64) -> Self {
        let digest = digest(&self.origin, self.from, self.to, variant);
        Self {
            variant,
            digest,
            ..self
        }
    }

    /// One block of adjacent ones, with less filler than they have together.
    pub(super) fn merged(run: &[BlockInfo]) -> Self {
        let (first, last) = (&run[0], &run[run.len() - 1]);
        let filler = run
            .iter()
            .map(|info| info.len / 2)
            .sum::<usize>()
            .min(128 << 10);
        Self {
            origin: first.origin.clone(),
            from: first.from,
            to: last.to,
            oldest: run.iter().map(|info| info.oldest).min().unwrap_or(0),
            newest: run.iter().map(|info| info.newest).max().unwrap_or(0),
            variant: 0,
            filler,
            digest: run
                .iter()
                .fold(0, |sum, info| sum.wrapping_add(info.digest)),
        }
    }

    /// The bytes: magic, length, checksum, then the header's fields and the filler.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![MAGIC, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.push(u8::try_from(self.origin.node.len()).unwrap_or(u8::MAX));
        bytes.extend(self.origin.node.bytes().take(255));
        let numbers = [
            self.origin.incarnation,
            self.from,
            self.to,
            self.oldest,
            self.newest,
            self.digest,
        ];
        numbers.iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        bytes.resize(bytes.len() + self.filler, self.digest as u8);
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes[1..5].copy_from_slice(&len.to_le_bytes());
        let sum = crc32c::crc32c(&bytes[HEADER..]);
        bytes[5..HEADER].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(super) fn info(&self, len: usize) -> BlockInfo {
        let (origin, from, to) = (self.origin.clone(), self.from, self.to);
        let (oldest, newest, digest) = (self.oldest, self.newest, self.digest);
        BlockInfo {
            origin,
            from,
            to,
            oldest,
            newest,
            digest,
            len,
        }
    }

    /// The digest that `from..=to` of `origin` must have in history `variant`.
    pub fn digest_of(origin: &Origin, from: Seq, to: Seq, variant: u64) -> u64 {
        digest(origin, from, to, variant)
    }
}

fn digest(origin: &Origin, from: Seq, to: Seq, variant: u64) -> u64 {
    let stream = hash::pair(
        hash::pair(hash::of(&origin.node), origin.incarnation),
        variant,
    );
    (from..=to).fold(0, |sum, seq| sum.wrapping_add(hash::pair(stream, seq)))
}

pub(super) fn inspect(bytes: &[u8]) -> Result<BlockInfo, Refusal> {
    let (header, rest) = bytes.split_at_checked(HEADER).ok_or(Refusal::Malformed)?;
    if header[0] != MAGIC || header[1..5] != (bytes.len() as u32).to_le_bytes() {
        return Err(Refusal::Malformed);
    }
    if crc32c::crc32c(rest).to_le_bytes() != header[5..] {
        return Err(Refusal::Checksum);
    }
    read(rest, bytes.len()).ok_or(Refusal::Malformed)
}

fn read(rest: &[u8], len: usize) -> Option<BlockInfo> {
    let (&name_len, rest) = rest.split_first()?;
    let (name, mut rest) = rest.split_at_checked(usize::from(name_len))?;
    let mut next = || {
        let (number, left) = rest.split_first_chunk::<8>()?;
        rest = left;
        Some(u64::from_le_bytes(*number))
    };
    let origin = Origin::new(std::str::from_utf8(name).ok()?, next()?);
    let (from, to) = (next()?, next()?);
    let (oldest, newest, digest) = (next()?, next()?, next()?);
    (from >= 1 && from <= to && to < Seq::MAX).then_some(BlockInfo {
        origin,
        from,
        to,
        oldest,
        newest,
        digest,
        len,
    })
}
