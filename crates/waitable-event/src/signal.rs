//! The protocol: state word, doorbell and waiters. Everything that must not be lost is argued here.
//!
//! * The **state word** ([`State`]) is the truth for all threads of this process.
//! * The **doorbell** ([`Doorbell`], a pipe) mirrors it for those who have the file descriptor only. Foreign writers
//!   set the event by notifying the doorbell themselves. The event is set when the word says so *or* the doorbell is
//!   notified.
//! * The **waiters** are the threads that sleep. The doorbell wakes them. Their wakers are called only when a `clear()`
//!   drains the doorbell before they wake, and when the event closes.
//!
//! ```text
//! set:    is the word clear? ─ yes ─► notify ──► if no thread changed the word: word |= SET, epoch + 1
//! clear:  [ drain the doorbell ──► word &= !SET ──► wake the waiters ]
//! wait:   read the word ──► [ join the waiters ] ──► read it again ──► sleep on the doorbell ──► read it again …
//! ```
//!
//! The brackets are the lock. `set()` notifies outside of it. The notification wakes a waiter, which on one core runs
//! immediately, and would block on a lock that the setter still holds (measured: 13 µs for a round trip with the lock,
//! 5 µs without).
//!
//! **A notified doorbell over a clear word** is a set event too: `is_set()`, `wait()` and the descriptor all say so. A
//! foreign writer leaves it like that, and so does every `set()` for a moment, because **the notification is the moment
//! at which `set()` happens**. The word only tells later setters that the doorbell is notified. So one `set()` is seen
//! and cleared once, however slow the setter is: a thread that drains its byte has consumed the whole `set()`.
//!
//! **No set word over a drained doorbell.** In that state every later `set()` would be swallowed. A setter marks the
//! word only if the word is still the one that it saw before it notified. A `clear()` that drained the setter's byte is
//! in one of two places:
//!
//! * It has already changed the word: it moved the epoch, as for a foreign byte, because no setter had counted that
//!   edge. Then the setter does not mark.
//! * It has drained, but has not reached the word yet. Then the setter marks, and the `clear()` finds the word set and
//!   clears it. A `set()` that finds the word set meanwhile, over the drained doorbell, overlaps that `clear()` and
//!   counts as having come before it.
//!
//! **Each edge is counted once,** by the setter that marks the word or by the `clear()` that drains the byte, never by
//! two `clear()` calls: the lock keeps them apart.
//!
//! **No lost wake-up.** A waiter reads the epoch when its wait begins. It sleeps only if, after it had joined, the word
//! was clear and the epoch the same. A later notification wakes it, for the doorbell is level-triggered, unless a
//! `clear()` drains the doorbell first. That `clear()` leaves a newer epoch and then wakes every waiter in the list.
//! The waiter is in the list. Otherwise `clear()` would have locked the list before the waiter joined, and the waiter's
//! second read of the word would have come after the change by `clear()` (through the lock). The waiter would have
//! found the newer epoch, and not slept. When the waiter wakes, it finds that epoch and returns true.
//!
//! **No descriptor after close.** The doorbell is behind an [`Arc`]. `close()` takes it away from later calls, and the
//! last call that still works with it closes its descriptors.

use std::{fmt, io};

use slab::Slab;

use crate::deadline::Deadline;
use crate::doorbell::Doorbell;
use crate::error::Error;
use crate::park::{Park, Parked, Wake};
use crate::state::{Snapshot, State};
use crate::sync::{Arc, Mutex, lock};

/// An event over any doorbell.
pub struct Signal<D> {
    state: State,
    shared: Mutex<Shared<D>>,
}

struct Shared<D> {
    doorbell: Option<Arc<D>>,
    waiters: Slab<Arc<dyn Wake>>,
}

impl<D: Doorbell> Signal<D> {
    /// Returns a clear event over `state` and a doorbell that is not notified.
    pub fn new(state: State, doorbell: D) -> Self {
        let shared = Shared { doorbell: Some(Arc::new(doorbell)), waiters: Slab::new() };
        Signal { state, shared: Mutex::new(shared) }
    }

    /// Returns the state word.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the doorbell, which lives until its last holder drops it.
    pub fn doorbell(&self) -> Result<Arc<D>, Error> {
        lock(&self.shared).doorbell.clone().ok_or(Error::Closed)
    }

    /// Sets the event.
    pub fn set(&self) -> Result<(), Error> {
        let before = self.state.observe();
        if before.is_closed() {
            return Err(Error::Closed);
        }
        if !before.is_set() {
            self.doorbell()?.notify()?;
            self.state.mark_set(before);
        }
        Ok(())
    }

    /// Clears the event.
    pub fn clear(&self) -> Result<(), Error> {
        self.clear_with(|doorbell| Ok(((), Some(doorbell.drain()?))))
    }

    /// Clears the event if `drain` has drained the doorbell. `drain` returns the result for the caller and, if the
    /// doorbell is drained now, whether it was notified before. The lock keeps other `clear()` and `close()` calls out
    /// meanwhile.
    pub fn clear_with<T>(&self, drain: impl FnOnce(&D) -> io::Result<(T, Option<bool>)>) -> Result<T, Error> {
        let shared = lock(&self.shared);
        let (result, drained) = drain(shared.doorbell.as_ref().ok_or(Error::Closed)?)?;
        if let Some(was_notified) = drained
            && (self.state.clear(was_notified).is_set() || was_notified)
        {
            // Under the lock, so that a waiter that has left is not called.
            for (_, waiter) in &shared.waiters {
                waiter.wake();
            }
        }
        Ok(result)
    }

    /// Returns whether the event is set.
    pub fn is_set(&self) -> Result<bool, Error> {
        let now = self.state.observe();
        if now.is_closed() {
            return Err(Error::Closed);
        }
        Ok(now.is_set() || self.doorbell()?.is_notified()?)
    }

    /// Waits until the event is set, and returns whether it was. A `set()` that was cleared before this thread woke
    /// counts. If the deadline has passed already, the event is read once.
    pub fn wait(&self, parker: &impl Park<D>, deadline: Deadline) -> Result<bool, Error> {
        let entered = self.state.observe();
        if entered.is_set() && !entered.is_closed() {
            return Ok(true);
        }
        if deadline.has_passed() {
            return self.is_set();
        }
        if let Some(outcome) = parker.spin(|| self.outcome(entered)) {
            return outcome;
        }
        let waiter = Waiter { signal: self, joined: self.join(parker.waker())? };
        // From here on clear() and close() wake this thread. Only now may it conclude that the event is not set.
        loop {
            if let Some(outcome) = self.outcome(entered) {
                return outcome;
            }
            match parker.park(&waiter.joined.doorbell, deadline)? {
                Parked::Notified if self.state.observe().is_closed() => return Err(Error::Closed),
                Parked::Notified => return Ok(true),
                Parked::Woken => {}
                Parked::Interrupted => return Err(Error::Interrupted),
                Parked::TimedOut => return self.outcome(entered).unwrap_or(Ok(false)),
            }
        }
    }

    /// Returns the outcome of a wait, if the word has one by now. `entered` is the word when the wait began.
    pub fn outcome(&self, entered: Snapshot) -> Option<Result<bool, Error>> {
        let now = self.state.observe();
        if now.is_closed() {
            Some(Err(Error::Closed))
        } else if now.is_set() || now.epoch() != entered.epoch() {
            Some(Ok(true))
        } else {
            None
        }
    }

    /// Closes the event: every present and later waiter gets [`Error::Closed`]. Returns whether this call closed it.
    pub fn close(&self) -> bool {
        let doorbell = {
            // The word and the doorbell under one lock: two closes both return to a closed event.
            let mut shared = lock(&self.shared);
            if shared.doorbell.is_none() {
                // The word is not touched again: who lent it may have given it to another event by now.
                return false;
            }
            self.state.close();
            for (_, waiter) in &shared.waiters {
                waiter.closed();
            }
            shared.doorbell.take()
        };
        drop(doorbell);
        true
    }

    /// Adds `waker` to the waiters, which are woken when the doorbell cannot be relied on, until [`Signal::leave`].
    pub fn join(&self, waker: Arc<dyn Wake>) -> Result<Joined<D>, Error> {
        let mut shared = lock(&self.shared);
        let doorbell = shared.doorbell.clone().ok_or(Error::Closed)?;
        let waiter_id = shared.waiters.insert(waker);
        Ok(Joined { doorbell, waiter_id })
    }

    /// Removes the waker that got `waiter_id` from [`Signal::join`].
    pub fn leave(&self, waiter_id: usize) {
        lock(&self.shared).waiters.try_remove(waiter_id);
    }
}

/// The result of [`Signal::join`].
#[derive(Debug)]
pub struct Joined<D> {
    /// The doorbell to sleep on, open for as long as this is held.
    pub doorbell: Arc<D>,
    /// The argument of [`Signal::leave`].
    pub waiter_id: usize,
}

/// A blocked waiter, which leaves however its wait ends.
struct Waiter<'a, D: Doorbell> {
    signal: &'a Signal<D>,
    joined: Joined<D>,
}

impl<D: Doorbell> Drop for Waiter<'_, D> {
    fn drop(&mut self) {
        self.signal.leave(self.joined.waiter_id);
    }
}

impl<D> fmt::Debug for Signal<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signal").finish_non_exhaustive()
    }
}
