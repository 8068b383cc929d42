//! The hash of names in the block index. Part of the segment's format: it never changes.
//!
//! Source: FNV-1a over the bytes, then the finaliser of splitmix64 (Steele, Lea and Flood, 2014), so
//! that all 64 bits depend on all bytes. A peer can make names that collide; that costs a look into
//! a block, nothing else.

use scope_event::Pid;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Spreads a number over all bits.
pub(crate) fn number(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn fold(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

/// Bytes.
pub(crate) fn bytes(bytes: &[u8]) -> u64 {
    number(fold(OFFSET, bytes))
}

/// A process.
pub(crate) fn pid(pid: &Pid) -> u64 {
    let numbers = u64::from(pid.id) << 32 | u64::from(pid.serial);
    number(fold(OFFSET, pid.node.as_bytes()) ^ number(numbers) ^ u64::from(pid.creation))
}

/// A module.
pub(crate) fn module(module: &str) -> u64 {
    bytes(module.as_bytes())
}

/// A function of a module, with its number of arguments.
pub(crate) fn function(module: &str, function: &str, arity: u8) -> u64 {
    let module = fold(OFFSET, module.as_bytes());
    number(fold(
        fold(module.rotate_left(1), function.as_bytes()),
        &[arity],
    ))
}
