//! Compression of columns.

use super::BlockError;
use lz4_flex::block::{compress_into, get_maximum_output_size};
use std::borrow::Cow;

/// How a block was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Codec {
    /// Not at all.
    Plain = 0,
    /// LZ4: what a builder closes with.
    #[default]
    Lz4 = 1,
    /// Zstandard, for consolidated and sealed blocks. Needs the feature `zstd`.
    Zstd = 2,
}

/// No column is taken for more than this times its compressed length, so that memory grows with the
/// input. LZ4 cannot do better; a column on which Zstandard does is stored with LZ4.
const BEST_RATIO: usize = 255;

fn too_good(packed: usize, raw: usize) -> bool {
    raw > packed.saturating_mul(BEST_RATIO)
}

impl Codec {
    /// The best codec that this build has for blocks at rest.
    pub const fn at_rest() -> Self {
        if cfg!(feature = "zstd") {
            Self::Zstd
        } else {
            Self::Lz4
        }
    }

    pub(crate) fn from_code(code: u8) -> Result<Self, BlockError> {
        match code {
            0 => Ok(Self::Plain),
            1 => Ok(Self::Lz4),
            2 => Ok(Self::Zstd),
            unknown => Err(BlockError::Codec(unknown)),
        }
    }

    /// Appends `raw` to `out` with this codec, or a lesser one if that gains nothing.
    pub(crate) fn compress(self, raw: &[u8], out: &mut Vec<u8>) -> Self {
        let start = out.len();
        let packed = match self {
            Self::Plain => None,
            Self::Lz4 => lz4_compress(raw, out),
            Self::Zstd => zstd_compress(raw, out),
        };
        match packed.map(|()| out.len() - start) {
            Some(packed) if self == Self::Zstd && too_good(packed, raw.len()) => {
                out.truncate(start);
                Self::Lz4.compress(raw, out)
            }
            Some(packed) if packed < raw.len() => self,
            _ => {
                out.truncate(start);
                out.extend_from_slice(raw);
                Self::Plain
            }
        }
    }

    /// The `size` bytes that `packed` stands for.
    pub(crate) fn decompress(
        self,
        packed: &[u8],
        size: usize,
    ) -> Result<Cow<'_, [u8]>, BlockError> {
        if too_good(packed.len(), size) {
            return Err(BlockError::Compressed);
        }
        let raw = match self {
            Self::Plain => Cow::Borrowed(packed),
            Self::Lz4 => Cow::Owned(
                lz4_flex::block::decompress(packed, size).map_err(|_| BlockError::Compressed)?,
            ),
            Self::Zstd => Cow::Owned(zstd_decompress(packed, size)?),
        };
        if raw.len() == size {
            Ok(raw)
        } else {
            Err(BlockError::Compressed)
        }
    }
}

/// Appends; what is appended has no use when there was an error.
fn lz4_compress(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    out.resize(start + get_maximum_output_size(raw.len()), 0);
    let packed = compress_into(raw, &mut out[start..]).ok()?;
    out.truncate(start + packed);
    Some(())
}

/// From this length on, a search as thorough as that in small columns doubles the time for less than
/// two percent of a block.
#[cfg(feature = "zstd")]
const LARGE: usize = 32 * 1024;

/// Blocks come to rest once and in the background, and stay for long.
#[cfg(feature = "zstd")]
fn zstd_compress(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let level = if raw.len() < LARGE { 12 } else { 6 };
    out.extend_from_slice(&zstd::bulk::compress(raw, level).ok()?);
    Some(())
}

#[cfg(not(feature = "zstd"))]
fn zstd_compress(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    lz4_compress(raw, out)
}

#[cfg(feature = "zstd")]
fn zstd_decompress(packed: &[u8], size: usize) -> Result<Vec<u8>, BlockError> {
    use std::cell::RefCell;
    use zstd::bulk::Decompressor;
    thread_local! {
        /// Making one costs more than a small column.
        static READER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    let read = |reader: &RefCell<Option<Decompressor<'static>>>| {
        let mut reader = reader.borrow_mut();
        let reader = match &mut *reader {
            Some(reader) => reader,
            none => none.insert(Decompressor::new()?),
        };
        reader.decompress(packed, size)
    };
    READER.with(read).map_err(|_| BlockError::Compressed)
}

#[cfg(not(feature = "zstd"))]
fn zstd_decompress(_packed: &[u8], _size: usize) -> Result<Vec<u8>, BlockError> {
    Err(BlockError::Codec(Codec::Zstd as u8))
}
