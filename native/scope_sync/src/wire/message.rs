//! The control structs.

use serde::{Deserialize, Serialize};

use super::list;
use super::packed::Packed;

/// A message between two replicas. All its parts are hints or requests; only blocks are data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The sender's name for this life of the link.
    pub mine: u32,
    /// The receiver's, as the sender knows it; 0 when it does not yet.
    pub yours: u32,
    /// The number of the last digest that the sender applied; 0 for none.
    pub ack: u32,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Nothing but the acknowledgement.
    Ack,
    /// What the sender has, as changes to the digest numbered `base`; to nothing when that is 0.
    Digest {
        /// Counts up on a link.
        no: u32,
        /// The digest that the changes apply to.
        base: u32,
        /// Origins that are spoken of for the first time.
        #[serde(deserialize_with = "list::read")]
        names: Vec<Intro>,
        /// Packed changes.
        entries: Packed,
    },
    /// Please send these.
    Pull {
        /// Names the pull; a new one ends the one before it.
        id: u32,
        /// Blocks whose newest stamp is older are not wanted.
        not_before: u64,
        /// How many bytes may be on the way at a time.
        window: u32,
        /// The digest that `taken` refers to; 0 for none.
        offer: u32,
        /// Bits: of which origins exactly what that digest announced is wanted.
        taken: Packed,
        /// Packed ranges of the rest.
        wants: Packed,
    },
    /// Blocks, as stored.
    Data {
        /// The pull that they answer.
        id: u32,
        /// Counts up from 1 in a pull.
        frame: u32,
        /// Nothing follows.
        end: bool,
        /// Packed lengths of the blocks.
        lens: Packed,
        /// Packed ranges that are older than wanted, each with its newest stamp.
        old: Packed,
    },
    /// Every frame up to this one has arrived or was lost: more may be sent.
    More {
        /// The pull.
        id: u32,
        /// The highest frame that arrived.
        frame: u32,
    },
    /// Say [`Body::Settled`] when you have all that I have and I was told all that you have.
    Sync {
        /// Comes back in the answer.
        token: u32,
    },
    /// The answer to [`Body::Sync`].
    Settled {
        /// The token of the request.
        token: u32,
    },
    /// Do you have the same content under the same numbers?
    Audit {
        /// Some blocks of mine.
        #[serde(deserialize_with = "list::read")]
        probes: Vec<Probe>,
    },
    /// No: these differ.
    Differs {
        /// The blocks of which other content is held.
        #[serde(deserialize_with = "list::read")]
        found: Vec<Mismatch>,
    },
}

/// Introduces an origin under the sender's index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intro {
    /// The sender's index.
    pub index: u32,
    /// The name of the node.
    #[serde(deserialize_with = "list::text")]
    pub node: String,
    /// Which life of it.
    pub incarnation: u64,
}

/// One block of an audit, by the receiver's index of its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The receiver's index of the origin.
    pub index: u32,
    /// The first sequence number.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// The digest of what the sender holds there.
    pub digest: u64,
}

/// The answer to a [`Probe`] that does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// The probe, with the index of the one who gets this.
    pub probe: Probe,
    /// The digest of what the sender of this holds there.
    pub held: u64,
}
