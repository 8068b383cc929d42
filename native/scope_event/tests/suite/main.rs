//! The crate's properties, through its public names only.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod blocks;
mod common;
mod deltas;
mod golden;
mod hostile;
mod pages;
mod points;
mod redaction;
mod terms;
