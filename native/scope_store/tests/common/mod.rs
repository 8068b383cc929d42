//! Random stores with a list of all that went into them, and the answers a plain scan gives.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

pub mod naive;
pub mod node;
pub mod random;
pub mod terms;

/// `normal`, or fifty times that where `SCOPE_LONG=1` asks for it.
pub fn cases(normal: u64) -> u64 {
    if std::env::var_os("SCOPE_LONG").is_some() {
        normal * 50
    } else {
        normal
    }
}
