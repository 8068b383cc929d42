//! Sessions: who may record how much.

use crate::primitive::{Mutex, MutexGuard};
use crate::{SessionError, pool::Pool, purse::Spending};
use std::sync::PoisonError;

/// Sessions that can be open at one time.
pub const SESSIONS: usize = if cfg!(loom) { 1 } else { 63 };

/// What became of a session's budget. Exact once the lanes have noticed that the session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Account {
    /// Events that the session was allowed in all.
    pub budget: u64,
    /// Events' worth of credit that lanes took.
    pub taken: u64,
    /// Events that were recorded: each paid with one credit.
    pub used: u64,
    /// Events that were refused because the budget was spent.
    pub refused: u64,
    /// Events that were left out on purpose: see [`Lanes::thin`](crate::Lanes::thin).
    pub thinned: u64,
}

impl Account {
    /// Credits that lanes hold and have not used.
    pub const fn held(&self) -> u64 {
        self.taken - self.used
    }

    /// What comes back when the session ends: what lanes hold and what nobody took.
    pub const fn returned(&self) -> u64 {
        self.budget - self.used
    }
}

/// The seats of all sessions. An id names a seat and how often it was taken before, so that a lane
/// which still holds an old id cannot spend a new session's credits.
pub(crate) struct Sessions {
    seats: Box<[Pool]>,
    /// Opening, refilling and closing are rare and take turns; producers never come here.
    book: Mutex<Book>,
}

/// Invariant: `budgets[seat]` is everything ever put into the pool of that seat's present id.
struct Book {
    budgets: [u64; SESSIONS],
    ids: [u16; SESSIONS],
    next: usize,
}

impl Sessions {
    const SEAT_BITS: u32 = 6;

    pub(crate) fn new() -> Self {
        let book = Book {
            budgets: [0; SESSIONS],
            ids: [0; SESSIONS],
            next: 0,
        };
        Self {
            seats: (0..SESSIONS).map(|_| Pool::new()).collect(),
            book: Mutex::new(book),
        }
    }

    /// The seat that an id names. Total, because ids also come from slots and callers.
    #[inline(always)]
    pub(crate) fn seat_of(id: u16) -> Option<usize> {
        let seat = usize::from(id) & ((1 << Self::SEAT_BITS) - 1);
        (1..=SESSIONS).contains(&seat).then(|| seat - 1)
    }

    #[inline(always)]
    pub(crate) fn pool(&self, id: u16) -> Option<(usize, &Pool)> {
        let seat = Self::seat_of(id)?;
        Some((seat, &self.seats[seat]))
    }

    /// Seats go round, so that an account can be read for as long as possible after the end.
    pub(crate) fn open(&self, budget: u64) -> Result<u16, SessionError> {
        let mut book = self.book();
        let seat = (book.next..book.next + SESSIONS)
            .map(|seat| seat % SESSIONS)
            .find(|&seat| self.seats[seat].id() == 0)
            .ok_or(SessionError::TooMany)?;
        let id = book.seat(seat, budget.min(Pool::MOST));
        self.seats[seat].open(id, budget);
        Ok(id)
    }

    pub(crate) fn refill(&self, id: u16, more: u64) -> Result<(), SessionError> {
        let mut book = self.book();
        let (seat, pool) = self.pool(id).ok_or(SessionError::NotOpen)?;
        book.budgets[seat] += pool.add(id, more).ok_or(SessionError::NotOpen)?;
        Ok(())
    }

    pub(crate) fn close(&self, id: u16) -> Result<(), SessionError> {
        let _book = self.book();
        let (_, pool) = self
            .pool(id)
            .filter(|(_, pool)| pool.is_open(id))
            .ok_or(SessionError::NotOpen)?;
        pool.close();
        Ok(())
    }

    /// Credits of an open session that no lane has taken.
    pub(crate) fn left(&self, id: u16) -> Option<u64> {
        self.pool(id).and_then(|(_, pool)| pool.left(id))
    }

    /// The account of an open session, or of a closed one whose seat nobody has taken since. To be
    /// asked after `spending` was read: no lane had turned to a later session by then.
    pub(crate) fn account(&self, id: u16, spending: Spending) -> Result<Account, SessionError> {
        let book = self.book();
        let seat = Self::seat_of(id).filter(|&seat| book.ids[seat] == id);
        let budget = seat
            .map(|seat| book.budgets[seat])
            .ok_or(SessionError::NotOpen)?;
        let Spending {
            taken,
            used,
            refused,
            thinned,
        } = spending;
        Ok(Account {
            budget,
            taken,
            used,
            refused,
            thinned,
        })
    }

    /// The numbers in the book are right at every step, so a panic under the lock broke nothing.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn seat(&mut self, seat: usize, budget: u64) -> u16 {
        let turn = (self.ids[seat] >> Sessions::SEAT_BITS).wrapping_add(1);
        // Seats count from 1: the id 0 is no session.
        self.ids[seat] = turn << Sessions::SEAT_BITS | (seat as u16 + 1);
        self.budgets[seat] = budget;
        self.next = seat + 1;
        self.ids[seat]
    }
}
