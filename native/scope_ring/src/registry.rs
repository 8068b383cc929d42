//! Who gets which scope's events: changes come through a queue, batches leave through channels.
//!
//! The drain looks its routes up for every batch, so the table of them is its own, without a lock.
//! Scopes come and go from other threads, sometimes from a scheduler that must not wait: they put
//! the change into a bounded lock-free queue (crossbeam's `ArrayQueue`), and the drain applies it
//! when it next begins a pass. A batch goes to its scope through a bounded channel (crossbeam's),
//! because there the receiver has to sleep until one comes and to notice when the drain is gone,
//! which a queue cannot do; and the drain never waits for a slow scope: what does not fit is handed
//! back and counted.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use crossbeam_queue::ArrayQueue;
use std::sync::Arc;
use thiserror::Error;

/// Changes that may wait for the drain; a scope comes and goes far less often than it looks.
const CHANGES: usize = 256;
const SCOPES: usize = 256;

enum Change<T> {
    Attach { scope: u8, to: Sender<T> },
    Detach { scope: u8 },
}

/// The drain has not looked for so long that no more changes can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{CHANGES} changes wait for the drain already")]
pub struct RegistryFull;

/// Why a batch was handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrouted {
    /// Nobody attached the scope, or its receiver is gone.
    NoRoute,
    /// The scope does not take its batches fast enough.
    Full,
}

/// The end that attaches and detaches scopes. Clone it freely.
///
/// # Examples
///
/// ```
/// use scope_ring::{Registry, Unrouted};
///
/// let (registry, mut routes) = Registry::new();
/// let batches = registry.attach(3, 1)?;
/// routes.refresh();
///
/// routes.route(3, "first").map_err(|_| "no room")?;
/// assert_eq!(routes.route(3, "second"), Err((Unrouted::Full, "second")));
/// assert_eq!(routes.route(4, "stray"), Err((Unrouted::NoRoute, "stray")));
/// assert_eq!(batches.try_recv()?, "first");
/// assert_eq!((routes.refused(3), routes.refused(4)), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Registry<T> {
    changes: Arc<ArrayQueue<Change<T>>>,
}

/// The drain's end: one route for each scope, and how many batches each refused.
pub struct Routes<T> {
    changes: Arc<ArrayQueue<Change<T>>>,
    to: Box<[Option<Sender<T>>]>,
    refused: Box<[u64]>,
}

impl<T> Registry<T> {
    /// A registry and the routes that follow it.
    pub fn new() -> (Self, Routes<T>) {
        let changes = Arc::new(ArrayQueue::new(CHANGES));
        let to = (0..SCOPES).map(|_| None).collect();
        let routes = Routes {
            changes: changes.clone(),
            to,
            refused: Box::new([0; SCOPES]),
        };
        (Self { changes }, routes)
    }

    /// From the drain's next pass on, a scope's batches come out of the receiver; at most `depth`
    /// wait there. A scope attached again leaves its earlier receiver.
    ///
    /// # Errors
    /// If too many changes wait already.
    pub fn attach(&self, scope: u8, depth: usize) -> Result<Receiver<T>, RegistryFull> {
        let (to, batches) = bounded(depth);
        self.change(Change::Attach { scope, to })?;
        Ok(batches)
    }

    /// From the drain's next pass on, the scope has no route; its receiver sees the end.
    ///
    /// # Errors
    /// If too many changes wait already.
    pub fn detach(&self, scope: u8) -> Result<(), RegistryFull> {
        self.change(Change::Detach { scope })
    }

    fn change(&self, change: Change<T>) -> Result<(), RegistryFull> {
        self.changes.push(change).map_err(|_| RegistryFull)
    }
}

impl<T> Clone for Registry<T> {
    fn clone(&self) -> Self {
        Self {
            changes: self.changes.clone(),
        }
    }
}

impl<T> Routes<T> {
    /// Applies the changes that wait; how many they were. To be called when a pass begins.
    pub fn refresh(&mut self) -> usize {
        // No more than fit at once, so that a busy registry cannot hold the drain.
        let changes = self.changes.len();
        (0..changes)
            .filter_map(|_| self.changes.pop())
            .for_each(|change| match change {
                Change::Attach { scope, to } => self.to[usize::from(scope)] = Some(to),
                Change::Detach { scope } => self.to[usize::from(scope)] = None,
            });
        changes
    }

    /// Sends a batch to its scope, without ever waiting.
    ///
    /// # Errors
    /// The batch, and why it was not taken; it is counted for its scope.
    pub fn route(&mut self, scope: u8, batch: T) -> Result<(), (Unrouted, T)> {
        let scope = usize::from(scope);
        let refused = match &self.to[scope] {
            None => (Unrouted::NoRoute, batch),
            Some(to) => match to.try_send(batch) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(batch)) => (Unrouted::Full, batch),
                Err(TrySendError::Disconnected(batch)) => (Unrouted::NoRoute, batch),
            },
        };
        self.refused[scope] += 1;
        Err(refused)
    }

    /// Batches of this scope that were handed back so far.
    pub fn refused(&self, scope: u8) -> u64 {
        self.refused[usize::from(scope)]
    }
}
