//! Sending a peer what it asked for: closed blocks as they are stored, in frames, within its window
//! and this node's budget.

use std::collections::VecDeque;

use super::link::{Cx, Link};
use crate::holdings::{BlockInfo, MAX_BLOCK};
use crate::settings::ns;
use crate::wire::{Body, Old, Want, WireError, pack_lens, pack_old, unpack_wants};

/// What the control part of a frame may take of it.
const CONTROL: usize = 4 * 1024;
/// So many headers are looked at for one frame; then it goes out with what it has.
const MAX_LOOKED_AT: usize = 1024;
/// The most ranges that one frame calls too old.
const MAX_OLD: usize = 128;

/// A pull that is being answered.
#[derive(Debug)]
pub(super) struct Serve {
    id: u32,
    not_before: u64,
    window: u64,
    /// What is still to be sent, by this replica's index.
    queue: VecDeque<Want>,
    frame: u32,
    /// Frames that were not acknowledged, with their lengths. Invariant: `unacked` is their sum.
    sent: VecDeque<(u32, u64)>,
    unacked: u64,
    sent_ns: u64,
}

/// A frame that is being filled.
#[derive(Default)]
struct Frame {
    raw: Vec<u8>,
    lens: Vec<usize>,
    old: Vec<Old>,
    events: u64,
    looked_at: usize,
}

impl Frame {
    fn is_full(&self, max_blocks: usize) -> bool {
        self.lens.len() >= max_blocks
            || self.looked_at >= MAX_LOOKED_AT
            || self.old.len() >= MAX_OLD
    }

    fn fits(&self, len: usize, max: usize) -> bool {
        self.raw.is_empty() || self.raw.len() + len <= max
    }

    fn push(&mut self, info: &BlockInfo, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.lens.push(bytes.len());
        self.events += info.events();
    }

    /// Neighbours melt.
    fn push_old(&mut self, index: u32, info: &BlockInfo) {
        match self.old.last_mut() {
            Some(last) if last.run.index == index && last.run.to.saturating_add(1) == info.from => {
                last.run.to = info.to;
                last.newest = last.newest.max(info.newest);
            }
            _ => {
                let run = Want {
                    index,
                    from: info.from,
                    to: info.to,
                };
                self.old.push(Old {
                    run,
                    newest: info.newest,
                });
            }
        }
    }
}

impl Link {
    /// The runs that a pull asks for. One that names a digest which is no longer remembered is
    /// asked again without it.
    pub(super) fn wanted(
        &self,
        offer: u32,
        taken: &[u8],
        wants: &[u8],
    ) -> Result<Option<VecDeque<Want>>, WireError> {
        let rest = unpack_wants(wants)?;
        if taken.is_empty() {
            return Ok(Some(rest.into()));
        }
        let picked = self
            .told
            .offer(offer)
            .map(|offer| offer.picked(taken).chain(rest).collect());
        Ok(picked)
    }

    pub(super) fn on_pull(
        &mut self,
        cx: &mut Cx<'_>,
        id: u32,
        not_before: u64,
        window: u32,
        queue: Option<VecDeque<Want>>,
    ) {
        let is_late = self.serve.as_ref().is_some_and(|serve| id <= serve.id);
        let Some(queue) = queue.filter(|_| !is_late) else {
            return;
        };
        let window = u64::from(window.min(cx.core.settings.window_bytes));
        let sent_ns = cx.now.mono_ns;
        self.serve = Some(Serve {
            id,
            not_before,
            window,
            queue,
            sent_ns,
            ..Serve::default()
        });
    }

    pub(super) fn on_more(&mut self, id: u32, frame: u32) {
        let Some(serve) = self.serve.as_mut().filter(|serve| serve.id == id) else {
            return;
        };
        let heard = serve.sent.partition_point(|sent| sent.0 <= frame);
        serve.unacked -= serve.sent.drain(..heard).map(|(_, len)| len).sum::<u64>();
    }

    /// The bytes that were sent to this peer and that it did not acknowledge.
    pub(super) fn unacked(&self) -> u64 {
        self.serve.as_ref().map_or(0, |serve| serve.unacked)
    }

    /// Sends frames as long as window and budget last.
    pub(super) fn pump(&mut self, cx: &mut Cx<'_>) {
        while let Some(mut serve) = self.serve.take() {
            if serve.unacked >= serve.window || cx.core.budget.is_spent() {
                self.serve = Some(serve);
                return;
            }
            let frame = serve.fill(cx);
            self.send_frame(cx, &mut serve, frame);
        }
    }

    /// Sends a frame, and keeps the pull unless that was the last one.
    fn send_frame(&mut self, cx: &mut Cx<'_>, serve: &mut Serve, frame: Frame) {
        serve.frame += 1;
        let end = serve.queue.is_empty();
        let (lens, old) = (pack_lens(frame.lens.into_iter()), pack_old(&frame.old));
        let body = Body::Data {
            id: serve.id,
            frame: serve.frame,
            end,
            lens,
            old,
        };
        let len = self.send(cx, body, &frame.raw) as u64;
        cx.stats.frames_out += 1;
        cx.stats.payload_out += frame.raw.len() as u64;
        cx.stats.sent += frame.events;
        serve.note_sent(len, cx.now.mono_ns);
        if !end {
            self.serve = Some(std::mem::take(serve));
        }
    }

    /// Tells a peer that waits for this node's budget that it is not forgotten.
    pub(super) fn keep_alive(&mut self, cx: &mut Cx<'_>) {
        let every = ns(cx.core.settings.stall_after) / 4;
        let waits = |serve: &Serve| {
            serve.unacked < serve.window && cx.now.mono_ns >= serve.sent_ns.saturating_add(every)
        };
        if cx.core.budget.is_spent()
            && let Some(mut serve) = self.serve.take_if(|serve| waits(serve))
        {
            self.send_frame(cx, &mut serve, Frame::default());
        }
    }
}

impl Default for Serve {
    fn default() -> Self {
        let (queue, sent) = (VecDeque::new(), VecDeque::new());
        Self {
            id: 0,
            not_before: 0,
            window: 0,
            queue,
            frame: 0,
            sent,
            unacked: 0,
            sent_ns: 0,
        }
    }
}

impl Serve {
    fn note_sent(&mut self, len: u64, now_ns: u64) {
        self.sent.push_back((self.frame, len));
        self.unacked += len;
        self.sent_ns = now_ns;
    }

    fn fill(&mut self, cx: &mut Cx<'_>) -> Frame {
        let mut frame = Frame::default();
        while let Some(want) = self.queue.pop_front() {
            let rest = self.fill_from(cx, &mut frame, want);
            if let Some(rest) = rest {
                self.queue.push_front(rest);
                break;
            }
        }
        frame
    }

    /// Puts blocks of one want into the frame; returns what did not fit.
    fn fill_from(&self, cx: &mut Cx<'_>, frame: &mut Frame, mut want: Want) -> Option<Want> {
        let origin = cx.core.table.origin(want.index)?.clone();
        let limit = cx.core.settings.frame_blocks;
        loop {
            let blocks = cx.holdings.blocks(&origin, want.from, want.to, limit);
            let more = blocks.len() == limit;
            for info in &blocks {
                if frame.is_full(limit) || !self.offer(cx, frame, want.index, info) {
                    return Some(want);
                }
                want.from = info.to.saturating_add(1);
            }
            if !more || want.from > want.to {
                return None;
            }
        }
    }

    /// Puts one block into the frame, or what is to be said of it. False when it has no room.
    fn offer(&self, cx: &mut Cx<'_>, frame: &mut Frame, index: u32, info: &BlockInfo) -> bool {
        let room = cx.core.settings.frame_bytes.saturating_sub(CONTROL);
        frame.looked_at += 1;
        if info.newest < self.not_before {
            frame.push_old(index, info);
        } else if info.len > MAX_BLOCK {
            cx.stats.oversized += 1;
        } else if !frame.fits(info.len, room) {
            return false;
        } else if let Some(bytes) = cx.holdings.read(info) {
            frame.push(info, &bytes);
        }
        true
    }
}
