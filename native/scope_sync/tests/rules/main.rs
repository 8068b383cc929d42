//! Each rule of the protocol by itself.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod cluster;
mod conflicts;
mod hostile;
mod interest;
mod retention;
mod transfer;
