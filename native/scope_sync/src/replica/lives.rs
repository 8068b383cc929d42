//! Which life of the peer's end a message comes from, and which life of this end it speaks to.
//!
//! Each end of a link has a name for each of its lives, and every message carries both. What was
//! told, asked and numbered counts within one pair of names only, so that nothing late can be taken
//! for something new.

use super::audit::Audit;
use super::backoff::Backoff;
use super::link::{Cx, Link};
use crate::settings::ns;
use crate::wire::{Body, Message};

/// What to do with a message.
#[derive(PartialEq, Eq)]
pub(super) enum Admission {
    Take,
    /// It belongs to an earlier life of the link.
    Stale,
}

impl Link {
    /// A peer that is known and has told nothing may not know that this end forgot it.
    pub(super) fn nag(&mut self, cx: &mut Cx<'_>) {
        if self.view.applied > 0 {
            self.nag = Backoff::default();
        } else if self.theirs != 0 {
            self.ack_owed |= self
                .nag
                .is_due(cx.now.mono_ns, ns(cx.core.settings.resend_after));
        }
    }

    /// Follows the lives of both ends. Who knows this end's present name is alive now; who greets
    /// without a name may be a late echo of an earlier life, so this end takes a new name, which
    /// only a living peer can learn. Any other message is answered with both names.
    pub(super) fn admit(&mut self, cx: &mut Cx<'_>, message: &Message) -> Admission {
        let greets = message.yours == 0 && matches!(message.body, Body::Digest { base: 0, .. });
        if message.mine == 0 || (message.yours != self.mine && !greets) {
            self.answer_stranger(cx, message.mine);
            return Admission::Stale;
        }
        if message.mine != self.theirs {
            if greets && self.theirs != 0 {
                self.mine = cx.core.nonce();
            }
            self.begin_life(cx, message.mine);
        }
        Admission::Take
    }

    /// The reply carries the name it came under, so that the peer sees that it is spoken to.
    fn answer_stranger(&mut self, cx: &mut Cx<'_>, stranger: u32) {
        let known = std::mem::replace(&mut self.theirs, stranger);
        self.send(cx, Body::Ack, &[]);
        self.theirs = known;
    }

    /// The peer's end began a new life. The first one changes nothing: what was said before it was
    /// known may have been heard.
    fn begin_life(&mut self, cx: &mut Cx<'_>, theirs: u32) {
        self.ack_owed = true;
        self.settle.ask_again();
        if std::mem::replace(&mut self.theirs, theirs) == 0 {
            return;
        }
        self.close(cx);
        self.told.begin_again();
        self.view.begin_again();
        self.avoid.clear();
        self.banned.clear();
        self.audit = Audit::default();
    }
}
