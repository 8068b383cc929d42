//! Rings between the threads that record and the one that stores.
//!
//! One table of lanes per VM, one lane per OS thread, one consumer for all. Recording is wait-free
//! and touches no line of memory that another producer writes; what does not fit is dropped and
//! counted, by lane and kind. Nothing is allocated after the start, and the only system call on the
//! path is the one that wakes a sleeping drain.
//!
//! Beside the rings, [`Extents`] says which extent a process is in, for what it records, and
//! [`Notices`] what it lets others know.
//!
//! It is not a general queue: events never wait for room, the words in a slot mean nothing here,
//! and a thread keeps its lane until the VM ends.
//!
//! # Examples
//!
//! ```
//! use scope_ring::{Head, Lanes, LanesConfig, WakeOn, Woken, Words};
//! use std::time::Duration;
//!
//! static LANES: Lanes = Lanes::new();
//! LANES.start(LanesConfig::for_lanes(4))?;
//!
//! // On any thread, as often as it likes:
//! let mut entry = LANES.begin(Head::new(3).scope(1).arity(2), 64)?;
//! entry.payload()[..2].copy_from_slice(b"ok");
//! entry.commit(Words { stamp: 100, pid: 7, subject: 9 }, 2);
//!
//! // On the drain's thread: sleep until something happens, then take it in batches.
//! assert_eq!(LANES.wait(WakeOn::Event, None), Woken::Ready);
//! let mut drain = LANES.drain().ok_or("somebody else drains")?;
//! let mut seen = Vec::new();
//! while drain.drain(4096, |_, slot, payload| seen.push((slot.stamp, payload.to_vec()))) > 0 {}
//! assert_eq!(seen, [(100, b"ok".to_vec())]);
//!
//! // A busy drain naps, so that only a filling lane makes a call to wake it.
//! assert_eq!(LANES.wait(WakeOn::Quarter, Some(Duration::from_millis(1))), Woken::TimedOut);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod barrier;
mod bell;
mod consumer;
mod current;
mod drain;
mod entry;
mod error;
mod extents;
mod gate;
mod geometry;
mod heads;
mod idle;
mod lane;
mod lanes;
mod losses;
mod memory;
mod notices;
mod pool;
mod primitive;
mod producer;
mod purse;
mod region;
mod registry;
mod session;
mod slot;
mod status;
mod table;

pub use bell::{WakeOn, Woken};
pub use drain::Drain;
pub use entry::Entry;
pub use error::{Refusal, SessionError, StartError};
pub use extents::{Extents, ExtentsFull, Known};
pub use geometry::LanesConfig;
pub use heads::Heads;
pub use idle::IDLE;
pub use lanes::Lanes;
pub use losses::Lost;
pub use notices::{Fate, Notices, NoticesFull};
pub use producer::Producer;
pub use registry::{Registry, RegistryFull, Routes, Unrouted};
pub use session::{Account, SESSIONS};
pub use slot::{Head, Slot, Words};
pub use status::Status;
