//! The open calls of each process.

use super::queue::At;
use crate::{Function, Traces};
use std::collections::HashMap;

/// A call that has begun.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) function: Function,
    /// The time it began at.
    pub(super) since: u64,
    /// Traces that keep its end if it was slow.
    pub(super) judging: Traces,
    /// Traces that will be told its end, though they did not want the call.
    pub(super) besides: Traces,
    /// Where the call is held, or was.
    pub(super) at: Option<At>,
}

/// Invariant: no stack is empty, and `len` is the number of all frames.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    stacks: HashMap<u64, Vec<Frame>>,
    len: usize,
}

impl Stacks {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, pid: u64, frame: Frame) {
        self.stacks.entry(pid).or_default().push(frame);
        self.len += 1;
    }

    /// The last open call of a function, and what was called after it to `inner`.
    pub(super) fn pop(
        &mut self,
        pid: u64,
        function: Function,
        inner: impl FnMut(&Frame),
    ) -> Option<Frame> {
        let stack = self.stacks.get_mut(&pid)?;
        let at = stack.iter().rposition(|frame| frame.function == function)?;
        self.len -= stack.len() - at;
        stack.drain(at + 1..).as_slice().iter().for_each(inner);
        let frame = stack.pop();
        if stack.is_empty() {
            self.stacks.remove(&pid);
        }
        frame
    }

    pub(super) fn remove(&mut self, pid: u64) -> Vec<Frame> {
        let frames = self.stacks.remove(&pid).unwrap_or_default();
        self.len -= frames.len();
        frames
    }

    /// The call that is held there is not followed any more.
    pub(super) fn forget(&mut self, pid: u64, at: At) {
        if let Some(stack) = self.stacks.get_mut(&pid) {
            let before = stack.len();
            stack.retain(|frame| frame.at != Some(at));
            self.len -= before - stack.len();
            if stack.is_empty() {
                self.stacks.remove(&pid);
            }
        }
    }

    pub(super) fn retain(&mut self, mut stays: impl FnMut(&mut Frame) -> bool) {
        self.stacks.retain(|_pid, stack| {
            stack.retain_mut(&mut stays);
            !stack.is_empty()
        });
        self.len = self.stacks.values().map(Vec::len).sum();
    }

    pub(super) fn processes(&self) -> Vec<u64> {
        self.stacks.keys().copied().collect()
    }

    /// The oldest stand at the bottom of their stacks: without them those above are what they were.
    pub(super) fn drop_oldest(&mut self, count: usize, mut dropped: impl FnMut(&Frame)) {
        let frames = self.stacks.values().flatten();
        let mut times: Vec<_> = frames.map(|frame| frame.since).collect();
        if times.is_empty() {
            return;
        }
        let last = count.clamp(1, times.len()) - 1;
        let (_, &mut youngest, _) = times.select_nth_unstable(last);
        self.retain(|frame| {
            let stays = frame.since > youngest;
            if !stays {
                dropped(frame);
            }
            stays
        });
    }
}
