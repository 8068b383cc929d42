//! Pairs by a reference that nobody else holds.

use super::{Pair, Pairs};
use crate::Tolerance;
use crate::messages::{Half, Messages};

/// Of a message: no other is named, or several are.
const NOBODY: u32 = u32::MAX;
const MANY: u32 = u32::MAX - 1;

pub(super) fn settle(messages: &Messages, tolerance: Tolerance, pairs: &mut Pairs) {
    let halves = messages.all();
    // For each message the one that its references name; `MANY` where they name different ones.
    let mut named = vec![NOBODY; halves.len()];
    for (send, receive) in sole_holders(messages) {
        if agree(&halves[send as usize], &halves[receive as usize], tolerance) {
            name(&mut named[send as usize], receive);
            name(&mut named[receive as usize], send);
        }
    }
    for (send, &receive) in (0u32..).zip(&named) {
        if receive < MANY && halves[send as usize].is_send() && named[receive as usize] == send {
            pairs.join(send as usize, receive as usize, Pair::Exact);
        }
    }
}

fn name(named: &mut u32, other: u32) {
    if *named != other {
        *named = if *named == NOBODY { other } else { MANY };
    }
}

/// The send and the receive of each reference that one of each holds, by where it stands in the message.
fn sole_holders(messages: &Messages) -> Vec<(u32, u32)> {
    let halves = messages.all();
    let mut held: Vec<_> = messages.references().collect();
    held.sort_unstable();
    let of_one = held.chunk_by(|one, other| one.0 == other.0);
    let sole = of_one.filter_map(|holders| match *holders {
        [(_, one), (_, other)] => {
            let is_send = |at: u32| halves[at as usize].is_send();
            match (is_send(one), is_send(other)) {
                (true, false) => Some((one, other)),
                (false, true) => Some((other, one)),
                _ => None,
            }
        }
        _ => None,
    });
    sole.collect()
}

/// Whether nothing speaks against it, and nobody can be missing who would.
fn agree(send: &Half, receive: &Half, tolerance: Tolerance) -> bool {
    send.is_complete_with(receive) && send.fits(receive, tolerance)
}
