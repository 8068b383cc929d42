//! The bytes of a segment file, one record after the other.
//!
//! ```text
//! file    = "SCOPSEG1" id:u64 record*
//! record  = kind:u8 length:u32 crc:u32 body[length]     crc = CRC32C of kind, length and body
//! kind    = 1 a block as it is shipped
//!         | 2 what is known of origins besides blocks (see `memo`)
//!         | 3 the index of a sealed segment (see `footer`), then "SCOPEND1" and its offset:u64
//! ```
//!
//! All numbers are little-endian.

/// First bytes of every segment file.
pub(crate) const MAGIC: &[u8; 8] = b"SCOPSEG1";
/// First bytes of the trailer of a sealed segment.
pub(crate) const END_MAGIC: &[u8; 8] = b"SCOPEND1";
/// Length of the magic and the segment's id.
pub(crate) const FILE_HEAD: u64 = 16;
/// Length of a record before its body.
pub(crate) const RECORD_HEAD: usize = 9;

/// What a record's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Sort {
    Block = 1,
    Memo = 2,
    Footer = 3,
}

/// The first bytes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) sort: Sort,
    pub(crate) len: u32,
    crc: u32,
}

impl Head {
    /// Reads a head; `None` when the kind is unknown.
    pub(crate) fn read(bytes: &[u8; RECORD_HEAD]) -> Option<Self> {
        let sort = match bytes[0] {
            1 => Sort::Block,
            2 => Sort::Memo,
            3 => Sort::Footer,
            _ => return None,
        };
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Some(Self {
            sort,
            len: word(1),
            crc: word(5),
        })
    }

    /// Whether `body` is the body that this head was written for.
    pub(crate) fn fits(&self, body: &[u8]) -> bool {
        body.len() == self.len as usize && checksum(self.sort, body) == self.crc
    }
}

/// Appends a record to `out`.
pub(crate) fn put(sort: Sort, body: &[u8], out: &mut Vec<u8>) {
    out.push(sort as u8);
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&checksum(sort, body).to_le_bytes());
    out.extend_from_slice(body);
}

/// The first bytes of the file of segment `id`.
pub(crate) fn file_head(id: u64) -> [u8; FILE_HEAD as usize] {
    let mut head = [0; FILE_HEAD as usize];
    head[..8].copy_from_slice(MAGIC);
    head[8..].copy_from_slice(&id.to_le_bytes());
    head
}

fn checksum(sort: Sort, body: &[u8]) -> u32 {
    let head = crc32c::crc32c(&[sort as u8]);
    let head = crc32c::crc32c_append(head, &(body.len() as u32).to_le_bytes());
    crc32c::crc32c_append(head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_bit_anywhere_is_seen() {
        let mut bytes = Vec::new();
        put(Sort::Block, b"some block", &mut bytes);
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let (head, body) = bad.split_first_chunk::<RECORD_HEAD>().unwrap();
            assert!(
                !Head::read(head).is_some_and(|head| head.fits(body)),
                "bit {bit}"
            );
        }
        let (head, body) = bytes.split_first_chunk::<RECORD_HEAD>().unwrap();
        assert!(Head::read(head).unwrap().fits(body));
    }
}
