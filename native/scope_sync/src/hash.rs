//! One deterministic hash, the same on every node and in every version: who collects what, and who
//! is whose neighbour, must not depend on the machine.
//!
//! Source: FNV-1a (Fowler, Noll and Vo) over the bytes, then the finaliser of SplitMix64 (Steele,
//! Lea and Flood, "Fast splittable pseudorandom number generators", 2014).

/// Spreads the bits of `x`.
pub(crate) const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The hash of a name.
pub(crate) fn of(name: &str) -> u64 {
    let fnv = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    });
    mix(fnv)
}

/// The hash of two hashes in order.
pub(crate) const fn pair(a: u64, b: u64) -> u64 {
    mix(a ^ mix(b.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}
