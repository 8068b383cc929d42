//! What two nodes tell each other before anything else.
//!
//! ```text
//! oldest   u16 LE    these four bytes mean the same
//! newest   u16 LE    in every version there will be
//! checksum u32 LE    CRC32C of the four bytes above and all that follows
//! body               bincode: node, incarnation, scope, capabilities, clock, applications
//! ```
//!
//! A later version only adds at the end, and what it adds is passed over here. One that cannot keep
//! to that raises its oldest version, and is told apart by the first four bytes alone.

mod capabilities;
mod versions;

use serde::{Deserialize, Serialize};

use super::{WireError, config};
use crate::origin::{Origin, is_name};

pub use capabilities::Capabilities;
pub use versions::{NoCommonVersion, Versions};

/// No handshake is longer than this, whatever later versions add.
pub const MAX_HANDSHAKE: usize = 4096;
/// Versions and checksum.
const PREFIX: usize = 8;
const SUM_AT: usize = 4;

/// Who a node is, what it speaks and what it allows.
///
/// # Examples
///
/// ```
/// use scope_sync::Origin;
/// use scope_sync::wire::{Capabilities, Handshake, Versions};
///
/// let mine = Handshake {
///     versions: Versions::OURS,
///     origin: Origin::new("shop@web", 3),
///     scope: "default".into(),
///     capabilities: Capabilities::RECORD | Capabilities::QUERY,
///     clock: 7 << 32,
///     applications: 0x5eed,
/// };
/// let theirs = Handshake::decode(&mine.encode()?)?;
/// assert_eq!(theirs, mine);
/// assert!(theirs.capabilities.contains(Capabilities::QUERY));
/// assert_eq!(mine.agree(&theirs), Ok(1));
/// # Ok::<(), scope_sync::WireError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The versions of the protocol that the node speaks.
    pub versions: Versions,
    /// The node, and which life of it.
    pub origin: Origin,
    /// The scope that speaks; a node may have several.
    pub scope: String,
    /// What the node grants.
    pub capabilities: Capabilities,
    /// The stamp of its clock now, as NTP64 bits.
    pub clock: u64,
    /// A digest of the versions of its loaded applications: equal where equal code runs.
    pub applications: u64,
}

/// The form of what follows the prefix. Fields are only ever added, at the end.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    node: &'a str,
    incarnation: u64,
    scope: &'a str,
    capabilities: u64,
    clock: u64,
    applications: u64,
}

impl Handshake {
    /// Its bytes.
    ///
    /// # Errors
    ///
    /// [`WireError::Range`] when a name is empty or longer than 255 bytes.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let body = self.body()?;
        let mut bytes = self.versions.to_bytes().to_vec();
        bytes.extend_from_slice(&[0; PREFIX - SUM_AT]);
        bincode::serde::encode_into_std_write(&body, &mut bytes, config())
            .map_err(|_| WireError::Malformed)?;
        let sum = checksum(&bytes);
        bytes[SUM_AT..PREFIX].copy_from_slice(&sum.to_le_bytes());
        Ok(bytes)
    }

    fn body(&self) -> Result<Body<'_>, WireError> {
        let body = Body {
            node: &self.origin.node,
            incarnation: self.origin.incarnation,
            scope: &self.scope,
            capabilities: self.capabilities.bits(),
            clock: self.clock,
            applications: self.applications,
        };
        body.is_named().then_some(body).ok_or(WireError::Range)
    }

    /// Reads what a peer sent.
    ///
    /// # Errors
    ///
    /// [`WireError::NoCommonVersion`] when the peer speaks no version that this crate does, as far
    /// as that can be told at all; else every way in which bytes from a peer can be wrong. Memory
    /// grows with their length only.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (prefix, body) = bytes
            .split_first_chunk::<PREFIX>()
            .filter(|_| bytes.len() <= MAX_HANDSHAKE)
            .ok_or(WireError::Length(bytes.len()))?;
        let versions = Versions::from_bytes(prefix).ok_or(WireError::Range)?;
        Versions::OURS.highest_common(versions)?;
        if checksum(bytes).to_le_bytes() != prefix[SUM_AT..] {
            return Err(WireError::Checksum);
        }
        let (body, _later): (Body<'_>, usize) =
            bincode::serde::borrow_decode_from_slice(body, config())
                .map_err(|_| WireError::Malformed)?;
        Self::of(versions, &body).ok_or(WireError::Range)
    }

    fn of(versions: Versions, body: &Body<'_>) -> Option<Self> {
        body.is_named().then(|| Self {
            versions,
            origin: Origin::new(body.node, body.incarnation),
            scope: body.scope.into(),
            capabilities: Capabilities::from_bits(body.capabilities),
            clock: body.clock,
            applications: body.applications,
        })
    }

    /// The version that both speak from now on: the highest that both can.
    ///
    /// # Errors
    ///
    /// [`NoCommonVersion`] when there is none.
    pub fn agree(&self, other: &Self) -> Result<u16, NoCommonVersion> {
        self.versions.highest_common(other.versions)
    }
}

impl Body<'_> {
    fn is_named(&self) -> bool {
        is_name(self.node) && is_name(self.scope)
    }
}

/// CRC32C of all bytes but the checksum itself.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..SUM_AT]), &bytes[PREFIX..])
}

#[cfg(test)]
mod tests;
