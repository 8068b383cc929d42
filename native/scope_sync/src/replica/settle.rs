//! Exchanges on demand: knowing when both sides have what the other had.
//!
//! The one who asks first makes sure that its own news was heard, then sends `Sync`; the other makes
//! sure of the same, fetches what it lacks and answers `Settled`. Both wait for what was there when
//! it began, not for silence: a busy node settles as well.

use super::link::{Cx, Link};
use super::pull::Planned;
use crate::settings::ns;
use crate::stats::{Notice, PeerStats, SyncReport};
use crate::wire::Body;

#[derive(Debug, Default)]
pub(super) struct Settle {
    asking: Option<Asking>,
    owed: Option<Owed>,
}

/// This side asked.
#[derive(Debug)]
struct Asking {
    token: u32,
    /// The digest that the peer must have heard.
    heard: u32,
    /// When the request was sent, once it was.
    sent_ns: Option<u64>,
    settled: bool,
    began_ns: u64,
    before: PeerStats,
}

/// The peer asked.
#[derive(Debug)]
struct Owed {
    token: u32,
    heard: u32,
}

impl Settle {
    pub(super) fn is_idle(&self) -> bool {
        self.asking.is_none() && self.owed.is_none()
    }

    pub(super) fn token(&self) -> Option<u32> {
        self.asking.as_ref().map(|asking| asking.token)
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
    /// Begins an exchange on demand.
    pub(super) fn ask(&mut self, cx: &mut Cx<'_>, token: u32) {
        let before = *cx.stats;
        let heard = self.tell(cx);
        let (sent_ns, began_ns) = (None, cx.now.mono_ns);
        self.settle.asking = Some(Asking {
            token,
            heard,
            sent_ns,
            settled: false,
            began_ns,
            before,
        });
    }

    pub(super) fn on_sync(&mut self, cx: &mut Cx<'_>, token: u32) {
        cx.core.refresh(cx.holdings);
        let heard = self.tell(cx);
        self.settle.owed = Some(Owed { token, heard });
    }

    /// Answers or finishes what can be answered or finished now.
    pub(super) fn settle(&mut self, cx: &mut Cx<'_>) {
        if let Some(owed) = self
            .settle
            .owed
            .take_if(|owed| self.told.has_heard(owed.heard))
        {
            self.answer(cx, owed);
        }
        let Some(mut asking) = self.settle.asking.take() else {
            return;
        };
        // A link that began again forgot the digest that was waited for; it is told anew.
        if self.told.is_at_rest() && !self.told.has_heard(asking.heard) {
            asking.heard = self.tell(cx);
        }
        let resend = ns(cx.core.settings.resend_after);
        let due = asking
            .sent_ns
            .is_none_or(|at| cx.now.mono_ns >= at.saturating_add(resend));
        if !asking.settled && due && self.told.has_heard(asking.heard) {
            self.send(
                cx,
                Body::Sync {
                    token: asking.token,
                },
                &[],
            );
            asking.sent_ns = Some(cx.now.mono_ns);
        }
        if asking.settled && self.plan(cx) == Planned::Nothing {
            cx.core.notify(synced(cx, &asking));
        } else {
            self.settle.asking = Some(asking);
        }
    }

    fn answer(&mut self, cx: &mut Cx<'_>, owed: Owed) {
        if self.plan(cx) == Planned::Nothing {
            self.send(cx, Body::Settled { token: owed.token }, &[]);
        } else {
            self.settle.owed = Some(owed);
        }
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
