//! Exchanges on demand: knowing when both sides have what the other had.
//!
//! The one who asks first makes sure that its own news was heard, then sends `Sync`; the other makes
//! sure of the same, fetches what it lacks and answers `Settled`. Both wait for what was there when
//! it began, not for silence: a busy node settles as well.

use super::core::Core;
use super::link::{Cx, Link};
use super::pull::Planned;
use crate::reach::Reach;
use crate::settings::ns;
use crate::stats::{Notice, PeerStats, SyncReport};
use crate::wire::Body;

#[derive(Debug, Default)]
pub(super) struct Settle {
    asking: Option<Asking>,
    /// Asked while another exchange was on its way. It begins when that one is done, so that nobody
    /// who asks can keep those from finishing who asked before.
    next: Option<(u32, Option<Reach>)>,
    owed: Option<Owed>,
}

/// This side asked.
#[derive(Debug)]
struct Asking {
    token: u32,
    /// The version of our vector that the peer must have heard all of.
    version: u64,
    /// When the request was sent, once it was.
    sent_ns: Option<u64>,
    settled: bool,
    began_ns: u64,
    before: PeerStats,
    /// What is pulled besides what is kept anyway.
    reach: Option<Reach>,
}

/// The peer asked.
#[derive(Debug)]
struct Owed {
    token: u32,
    /// As in [`Asking`].
    version: u64,
}

impl Settle {
    pub(super) fn is_idle(&self) -> bool {
        self.asking.is_none() && self.next.is_none() && self.owed.is_none()
    }

    /// The latest token that somebody may wait for.
    pub(super) fn token(&self) -> Option<u32> {
        let next = self.next.as_ref().map(|next| next.0);
        next.or(self.asking.as_ref().map(|asking| asking.token))
    }

    /// What is pulled besides what is kept anyway.
    pub(super) fn reach(&self) -> Option<&Reach> {
        self.asking.as_ref()?.reach.as_ref()
    }

    /// True when as much came as the reach allows.
    pub(super) fn is_full(&self, stats: &PeerStats) -> bool {
        let came = |asking: &Asking| stats.payload_in - asking.before.payload_in;
        let max = self.reach().map_or(u64::MAX, |reach| reach.max_bytes);
        self.asking.as_ref().map_or(0, came) >= max
    }

    /// Nobody waits any longer for an exchange up to `token`.
    fn stop(&mut self, token: u32) {
        self.next.take_if(|next| next.0 <= token);
        if self
            .asking
            .as_ref()
            .is_some_and(|asking| asking.token <= token)
        {
            self.asking = None;
        }
    }

    /// The peer did not know this end when it was asked, and heard nothing.
    pub(super) fn ask_again(&mut self) {
        if let Some(asking) = &mut self.asking {
            (asking.sent_ns, asking.settled) = (None, false);
        }
    }

    pub(super) fn on_settled(&mut self, token: u32) {
        if let Some(asking) = self.asking.as_mut().filter(|asking| asking.token == token) {
            asking.settled = asking.sent_ns.is_some();
        }
    }
}

impl Link {
    /// Nobody waits any longer for an exchange up to `token`. A pull that reached further than what is
    /// kept here ends: the peer stops when its window is full, and what still comes of it is taken.
    pub(super) fn stop(&mut self, core: &mut Core, token: u32) {
        let reached = self.settle.reach().is_some();
        self.settle.stop(token);
        if reached && self.settle.asking.is_none() {
            self.release(core);
            self.late = self.pull.take();
        }
    }

    /// Begins an exchange on demand, or the next one when another is on its way.
    pub(super) fn ask(&mut self, cx: &mut Cx<'_>, token: u32, reach: Option<Reach>) {
        if self.settle.asking.is_none() {
            return self.begin(cx, token, reach);
        }
        let joined = match (self.settle.next.take().and_then(|next| next.1), reach) {
            (Some(mut one), Some(other)) => {
                one.join(other);
                Some(one)
            }
            (one, other) => one.or(other),
        };
        self.settle.next = Some((token, joined));
    }

    fn begin(&mut self, cx: &mut Cx<'_>, token: u32, reach: Option<Reach>) {
        let before = *cx.stats;
        let version = cx.core.version;
        let (sent_ns, began_ns) = (None, cx.now.mono_ns);
        self.settle.asking = Some(Asking {
            token,
            version,
            sent_ns,
            settled: false,
            began_ns,
            before,
            reach,
        });
    }

    pub(super) fn on_sync(&mut self, cx: &mut Cx<'_>, token: u32) {
        cx.core.refresh(cx.holdings);
        let version = cx.core.version;
        self.settle.owed = Some(Owed { token, version });
    }

    /// Answers or finishes what can be answered or finished now.
    pub(super) fn settle(&mut self, cx: &mut Cx<'_>) {
        if let Some(owed) = self.settle.owed.take() {
            self.answer(cx, owed);
        }
        self.begin_next(cx);
        let Some(mut asking) = self.settle.asking.take() else {
            return;
        };
        let resend = ns(cx.core.settings.resend_after);
        let due = asking
            .sent_ns
            .is_none_or(|at| cx.now.mono_ns >= at.saturating_add(resend));
        if !asking.settled && due && self.was_heard(cx, asking.version) {
            self.send(
                cx,
                Body::Sync {
                    token: asking.token,
                },
                &[],
            );
            asking.sent_ns = Some(cx.now.mono_ns);
        }
        let settled = asking.settled;
        self.settle.asking = Some(asking);
        let done = settled && self.plan(cx) == Planned::Nothing;
        let Some(asking) = self.settle.asking.take() else {
            return;
        };
        if done {
            let cut = asking
                .reach
                .as_ref()
                .is_some_and(|reach| self.gives(cx, reach));
            cx.core.notify(if cut {
                cut_short(cx, &asking)
            } else {
                synced(cx, &asking)
            });
            self.settle(cx);
        } else {
            self.settle.asking = Some(asking);
        }
    }

    fn begin_next(&mut self, cx: &mut Cx<'_>) {
        let is_free = self.settle.asking.is_none();
        if let Some((token, reach)) = self.settle.next.take_if(|_| is_free) {
            self.begin(cx, token, reach);
        }
    }

    /// Whether the peer has heard all that was known at `version`; what is not told yet is told.
    fn was_heard(&mut self, cx: &mut Cx<'_>, version: u64) -> bool {
        if !self.told.has_heard(version) {
            self.tell(cx);
        }
        self.told.has_heard(version)
    }

    fn answer(&mut self, cx: &mut Cx<'_>, owed: Owed) {
        if self.was_heard(cx, owed.version) && self.plan(cx) == Planned::Nothing {
            self.send(cx, Body::Settled { token: owed.token }, &[]);
        } else {
            self.settle.owed = Some(owed);
        }
    }
}

fn cut_short(cx: &Cx<'_>, asking: &Asking) -> Notice {
    Notice::SyncCut {
        peer: cx.peer.clone(),
        token: asking.token,
    }
}

fn synced(cx: &Cx<'_>, asking: &Asking) -> Notice {
    let (before, after) = (&asking.before, &*cx.stats);
    let bytes = |stats: &PeerStats| stats.bytes_in + stats.bytes_out;
    let report = SyncReport {
        sent: after.sent - before.sent,
        received: after.received - before.received,
        already: after.already - before.already,
        bytes: bytes(after) - bytes(before),
        elapsed_ns: cx.now.mono_ns.saturating_sub(asking.began_ns),
    };
    Notice::Synced {
        peer: cx.peer.clone(),
        token: asking.token,
        report,
    }
}
