//! One link: what was told to a peer, what it told, what is on the way.

use std::collections::BTreeMap;

use super::audit::Audit;
use super::backoff::Backoff;
use super::core::Core;
use super::lives::Admission;
use super::pull::Pull;
use super::serve::Serve;
use super::settle::Settle;
use super::told::Told;
use super::view::View;
use crate::holdings::Holdings;
use crate::intervals::Intervals;
use crate::origin::NodeName;
use crate::settings::Now;
use crate::stats::PeerStats;
use crate::wire::{Body, Message, WireError, encode};

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Out {
    /// To whom.
    pub to: NodeName,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// All that the handling of one message or one tick of one link may touch.
pub(super) struct Cx<'a> {
    pub(super) core: &'a mut Core,
    pub(super) holdings: &'a mut dyn Holdings,
    pub(super) now: Now,
    pub(super) peer: &'a NodeName,
    pub(super) stats: &'a mut PeerStats,
    pub(super) out: &'a mut Vec<Out>,
}

#[derive(Debug)]
pub(super) struct Link {
    /// This end's name for the life of the link.
    pub(super) mine: u32,
    /// The peer's; 0 until it is known.
    pub(super) theirs: u32,
    pub(super) ack_owed: bool,
    /// Digests go out by themselves; otherwise only on demand.
    pub(super) active: bool,
    pub(super) told: Told,
    pub(super) view: View,
    /// What this peer could not give; tried again after a time that doubles.
    pub(super) avoid: BTreeMap<u32, Intervals>,
    pub(super) retry: Backoff,
    /// For as long as the peer has told nothing.
    pub(super) nag: Backoff,
    /// What this peer gave and was refused for good.
    pub(super) banned: BTreeMap<u32, Intervals>,
    pub(super) pull: Option<Pull>,
    /// The pull before, given up: what still arrives of it is taken.
    pub(super) late: Option<Pull>,
    pub(super) pulls: u32,
    pub(super) serve: Option<Serve>,
    pub(super) settle: Settle,
    pub(super) audit: Audit,
    /// When the last message came or went.
    pub(super) used_ns: u64,
}

impl Link {
    pub(super) fn new(mine: u32, now: Now) -> Self {
        Self {
            mine,
            theirs: 0,
            ack_owed: false,
            active: false,
            told: Told::default(),
            view: View::default(),
            avoid: BTreeMap::new(),
            retry: Backoff::default(),
            nag: Backoff::default(),
            banned: BTreeMap::new(),
            pull: None,
            late: None,
            pulls: 0,
            serve: None,
            settle: Settle::default(),
            audit: Audit::default(),
            used_ns: now.mono_ns,
        }
    }

    pub(super) fn send(&mut self, cx: &mut Cx<'_>, body: Body, blocks: &[u8]) -> usize {
        let message = Message {
            mine: self.mine,
            yours: self.theirs,
            ack: self.view.applied,
            body,
        };
        let Ok(bytes) = encode(&message, blocks) else {
            return 0;
        };
        self.ack_owed = false;
        self.used_ns = cx.now.mono_ns;
        cx.stats.messages_out += 1;
        cx.stats.bytes_out += bytes.len() as u64;
        cx.core.budget.spend(bytes.len());
        let len = bytes.len();
        cx.out.push(Out {
            to: cx.peer.clone(),
            bytes,
        });
        len
    }

    /// Handles one message and whatever follows from it.
    pub(super) fn receive(
        &mut self,
        cx: &mut Cx<'_>,
        message: Message,
        blocks: &[u8],
    ) -> Result<(), WireError> {
        self.used_ns = cx.now.mono_ns;
        if self.admit(cx, &message) == Admission::Stale {
            cx.stats.stale += 1;
            return Ok(());
        }
        self.on_ack(cx, message.ack);
        self.dispatch(cx, message.body, blocks)?;
        self.proceed(cx);
        Ok(())
    }

    fn dispatch(&mut self, cx: &mut Cx<'_>, body: Body, blocks: &[u8]) -> Result<(), WireError> {
        match body {
            Body::Ack => Ok(()),
            Body::Digest {
                no,
                base,
                names,
                entries,
            } => self.on_digest(cx, no, base, &names, &entries),
            Body::Pull {
                id,
                not_before,
                window,
                offer,
                taken,
                wants,
            } => {
                let wants = self.wanted(offer, &taken, &wants)?;
                self.on_pull(cx, id, not_before, window, wants);
                Ok(())
            }
            Body::Data {
                id,
                frame,
                end,
                lens,
                old,
            } => self.on_data(cx, (id, frame, end), &lens, &old, blocks),
            Body::More { id, frame } => {
                self.on_more(id, frame);
                Ok(())
            }
            Body::Sync { token } => {
                self.on_sync(cx, token);
                Ok(())
            }
            Body::Settled { token } => {
                self.settle.on_settled(token);
                Ok(())
            }
            Body::Audit { probes } => self.on_audit(cx, &probes),
            Body::Differs { found } => self.on_differs(cx, &found),
        }
    }

    /// Does all that can be done now.
    pub(super) fn proceed(&mut self, cx: &mut Cx<'_>) {
        self.plan(cx);
        self.pump(cx);
        self.settle(cx);
        if self.ack_owed {
            self.send(cx, Body::Ack, &[]);
        }
    }

    /// One tick: deadlines first, then what is due.
    pub(super) fn tick(&mut self, cx: &mut Cx<'_>) {
        self.give_up_stalled(cx);
        self.resend_digest(cx);
        if self.active {
            self.tell_when_due(cx);
            self.audit(cx);
            self.nag(cx);
        }
        self.keep_alive(cx);
        self.proceed(cx);
    }

    /// Lets go of what is on the way.
    pub(super) fn close(&mut self, cx: &mut Cx<'_>) {
        self.end_pull(cx);
        (self.late, self.serve) = (None, None);
    }

    /// True when nothing would be lost with this link.
    pub(super) fn is_idle(&self, now: Now, for_ns: u64) -> bool {
        !self.active
            && self.pull.is_none()
            && self.serve.is_none()
            && self.settle.is_idle()
            && now.mono_ns.saturating_sub(self.used_ns) > for_ns
    }
}
