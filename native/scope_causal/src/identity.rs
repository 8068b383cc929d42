//! Who a process or what a reference is, the same from whichever node it is seen.
//!
//! A node writes its own pids as numbers and those of others in Erlang's external term format
//! ("External Term Format", Erlang/OTP documentation), and versions differ in how they write the name
//! of the node in it. Here all of that comes down to the same bytes, and those to a number.

use scope_event::Pid;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

const VERSION: u8 = 131;
const ATOM: u8 = 100;
const SMALL_ATOM: u8 = 115;
const ATOM_UTF8: u8 = 118;
const SMALL_ATOM_UTF8: u8 = 119;
const PID: u8 = 88;
const PORT: u8 = 89;
const REFERENCE: u8 = 90;
const LARGE_PORT: u8 = 120;

/// A process, reference or port: 128 bits of hash, so that no two are taken for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(u128);

/// A node by its name: 64 bits of hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(u64);

/// What an external term names, and where that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Which one.
    pub identity: Identity,
    /// The node that made it.
    pub node: Node,
    /// An upper bound of the bytes that any node writes it in.
    pub(crate) cost: u32,
}

impl Node {
    /// The node of that name.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_causal::Node;
    /// assert_eq!(Node::of("a@host"), Node::of("a@host"));
    /// assert_ne!(Node::of("a@host"), Node::of("b@host"));
    /// ```
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(xxh3_64(name.as_bytes()))
    }
}

impl Identity {
    /// The process behind a pid that its own node recorded.
    #[must_use]
    pub fn of(pid: &Pid) -> Self {
        Named::pid(pid).identity
    }

    /// The same, told apart by where it stands.
    pub(crate) fn within(self, shape: u64) -> u128 {
        let mut form = [0; 24];
        form[..16].copy_from_slice(&self.0.to_le_bytes());
        form[16..].copy_from_slice(&shape.to_le_bytes());
        xxh3_128(&form)
    }

    pub(crate) fn low(self) -> u64 {
        self.0 as u64
    }
}

impl Named {
    /// A process of the recording node.
    #[must_use]
    pub fn pid(pid: &Pid) -> Self {
        Self::new(PID, &pid.node, &[pid.id, pid.serial, pid.creation])
    }

    /// A pid, reference or port in the external term format; `None` where it is none of these, or
    /// damaged.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (&tag, rest) = bytes.strip_prefix(&[VERSION])?.split_first()?;
        let (words, rest) = match tag {
            PID => (3, rest),
            PORT => (2, rest),
            LARGE_PORT => (3, rest),
            REFERENCE => {
                let (count, rest) = rest.split_first_chunk()?;
                (1 + usize::from(u16::from_be_bytes(*count)), rest)
            }
            _ => return None,
        };
        let (node, rest) = atom(rest)?;
        let words = numbers(rest, words)?;
        Some(match (tag, words.as_slice()) {
            // The same port, with a number that did not need more.
            (PORT, &[id, creation]) => Self::new(LARGE_PORT, &node, &[0, id, creation]),
            (tag, words) => Self::new(tag, &node, words),
        })
    }

    fn new(tag: u8, node: &str, words: &[u32]) -> Self {
        let mut form = Vec::with_capacity(1 + 4 * words.len() + node.len());
        form.push(tag);
        words
            .iter()
            .for_each(|word| form.extend(word.to_le_bytes()));
        form.extend_from_slice(node.as_bytes());
        Self {
            identity: Identity(xxh3_128(&form)),
            node: Node::of(node),
            cost: u32::try_from(form.len() + 12).unwrap_or(u32::MAX),
        }
    }
}

fn numbers(bytes: &[u8], words: usize) -> Option<Vec<u32>> {
    let (words, rest) = bytes.split_at_checked(4 * words)?;
    let word = |word: &[u8]| word.iter().fold(0, |all, &byte| all << 8 | u32::from(byte));
    rest.is_empty()
        .then(|| words.chunks_exact(4).map(word).collect())
}

fn atom(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (length, rest) = match tag {
        SMALL_ATOM | SMALL_ATOM_UTF8 => rest.split_first().map(|(&n, rest)| (usize::from(n), rest)),
        ATOM | ATOM_UTF8 => rest
            .split_first_chunk()
            .map(|(n, rest)| (usize::from(u16::from_be_bytes(*n)), rest)),
        _ => None,
    }?;
    let (text, rest) = rest.split_at_checked(length)?;
    let text = match tag {
        ATOM_UTF8 | SMALL_ATOM_UTF8 => std::str::from_utf8(text).ok()?.to_owned(),
        _ => text.iter().copied().map(char::from).collect(),
    };
    Some((text, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn external(tag: u8, atom: &[u8], numbers: &[u32]) -> Vec<u8> {
        let mut bytes = vec![VERSION, tag];
        if tag == REFERENCE {
            bytes.extend((numbers.len() as u16 - 1).to_be_bytes());
        }
        bytes.extend_from_slice(atom);
        numbers
            .iter()
            .for_each(|number| bytes.extend(number.to_be_bytes()));
        bytes
    }

    #[test]
    fn a_pid_is_the_same_from_its_own_node_and_from_others_of_any_version() {
        let pid = Pid {
            node: "grüß@host".into(),
            id: 101,
            serial: 2,
            creation: 7,
        };
        let latin1 = b"\x64\x00\x09gr\xfc\xdf@host";
        let utf8 = "\u{76}\0\u{b}grüß@host".as_bytes();
        let small = "\u{77}\u{b}grüß@host".as_bytes();
        for name in [&latin1[..], utf8, small] {
            let read = Named::read(&external(PID, name, &[101, 2, 7]));
            assert_eq!(read, Some(Named::pid(&pid)), "{name:?}");
        }
        let other = Named::read(&external(PID, small, &[101, 2, 8]));
        assert_ne!(other, Some(Named::pid(&pid)), "another life of the node");
    }

    #[test]
    fn references_differ_by_every_word_and_ports_by_number_alone() {
        let atom = b"\x77\x01a";
        let reference = |words: &[u32]| Named::read(&external(REFERENCE, atom, words));
        assert_eq!(reference(&[1, 2, 3, 4]), reference(&[1, 2, 3, 4]));
        for other in [[2, 2, 3, 4], [1, 0, 3, 4], [1, 2, 3, 5]] {
            assert_ne!(reference(&[1, 2, 3, 4]), reference(&other));
        }
        let small = Named::read(&external(PORT, atom, &[9, 1]));
        assert!(small.is_some());
        assert_eq!(small, Named::read(&external(LARGE_PORT, atom, &[0, 9, 1])));
    }

    #[test]
    fn what_is_damaged_is_nobody() {
        let whole = external(REFERENCE, b"\x77\x01a", &[1, 2, 3, 4]);
        assert!(Named::read(&whole).is_some());
        for end in 0..whole.len() {
            assert_eq!(Named::read(&whole[..end]), None);
        }
        assert_eq!(Named::read(&[whole, vec![0]].concat()), None);
    }
}
