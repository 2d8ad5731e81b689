//! The protocol: state word, bell and waiters. Everything that must not be lost is argued here.
//!
//! * The **state word** ([`State`]) is the truth for everybody in this process.
//! * The **bell** ([`Bell`], a pipe) mirrors it for those who only have the file descriptor, and
//!   foreign writers set the event by ringing it themselves. The event is set when the word says
//!   so *or* the bell is ringing.
//! * The **waiters** are those who sleep. The bell wakes them; they are called by name only when
//!   a `clear()` silences the bell before they got up, and when the event closes.
//!
//! ```text
//! set:    is the word clear? ─ yes ─► ring ──► if nobody touched the word: word |= SET, epoch + 1
//! clear:  [ drain the bell ──► word &= !SET ──► call the waiters ]
//! wait:   read the word ──► [ join the waiters ] ──► read it again ──► sleep on the bell ──► read it again …
//! ```
//!
//! The brackets are the lock. `set()` rings outside of it: the ringing wakes a waiter, which on one core
//! runs at once, and would run straight into a lock that the setter still holds (measured: 13 µs a
//! round trip with the lock, 5 µs without).
//!
//! **A ringing bell over a clear word** is a set event too: `is_set()`, `wait()` and the descriptor all say
//! so. A foreign writer leaves it like that, and so does every `set()` for a moment, because **the ringing
//! is the moment at which `set()` happens**; the word only tells later setters that the bell rings. So one
//! `set()` is seen and cleared once, however slow the setter is: whoever takes its byte takes all of it.
//!
//! **No set word over a silent bell,** where every later `set()` would be swallowed. A setter marks the word only if
//! it is still the one it saw before it rang. A `clear()` that took the byte changed the word:
//! it moved the epoch, as for a foreign byte, because nobody had counted that edge. Unless it
//! has drained but not come to the word yet: then it finds the word set and clears it. A `set()` that finds the word set
//! meanwhile, over the drained bell, overlaps that `clear()` and counts as having come before it.
//!
//! **Each edge is counted once,** by the setter that marks the word or by the `clear()` that drains the
//! byte, never by two `clear()` calls: the lock keeps them apart.
//!
//! **No lost wake-up.** A waiter takes the epoch when its wait begins, and sleeps only if the word was
//! clear and the epoch the same after it had joined. A later ring wakes it, for the bell is
//! level-triggered, unless a `clear()` drains the bell first. That `clear()` leaves a newer epoch and then
//! calls everybody in the list. The waiter is in it: had `clear()` locked the list before the waiter
//! joined, the waiter's second read of the word would come after the change of the word by `clear()`
//! (through the lock), and it would have found the newer epoch, and not slept. Once up, it
//! finds that epoch and returns true.
//!
//! **No descriptor after close.** The bell is behind an [`Arc`]: `close()` takes it away from those who
//! come later, and its descriptors are closed by the last one who still works with it.

use std::{fmt, io};

use slab::Slab;

use crate::Deadline;
use crate::error::Error;
use crate::state::{Snapshot, State};
use crate::sync::{Arc, Mutex, lock};

/// The mirror of the state word that can be seen from outside: a pipe, or a model of one.
pub trait Bell {
    /// Makes the bell ring; nothing more happens when it already does. Never blocks.
    fn ring(&self) -> io::Result<()>;
    /// Silences the bell, and returns whether it was ringing. Never blocks.
    fn drain(&self) -> io::Result<bool>;
    /// Whether the bell is ringing.
    fn is_ringing(&self) -> io::Result<bool>;
}

/// Somebody who can be called out of sleep.
pub trait Wake: Send + Sync {
    /// Ends the sleep, or the next one when there is none now. Never blocks.
    fn wake(&self);

    /// Called instead of [`Wake::wake`] when the event closes. Never blocks.
    fn closed(&self) {
        self.wake();
    }
}

/// A way to sleep on a bell.
pub trait Park<B> {
    /// Who is to be called when the bell cannot be relied on.
    fn waker(&self) -> Arc<dyn Wake>;
    /// Calls `look` for a moment, until it has something to say: whoever waits is awake still (`linger.rs`). By default not at all.
    fn linger<T>(&self, _look: impl FnMut() -> Option<T>) -> Option<T> {
        None
    }
    /// Sleeps until the bell rings, the waker is called, the thread is to end, or `deadline`.
    fn park(&self, bell: &B, deadline: Deadline) -> io::Result<Parked>;
}

/// What ended a sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parked {
    /// The bell rings.
    Rung,
    /// The waker was called, or there was no reason at all: look at the word, perhaps sleep again.
    Woken,
    /// The thread is being ended.
    Interrupted,
    /// The deadline has come.
    TimedOut,
}

/// An event over any bell.
pub struct Signal<B> {
    state: State,
    shared: Mutex<Shared<B>>,
}

struct Shared<B> {
    bell: Option<Arc<B>>,
    waiters: Slab<Arc<dyn Wake>>,
}

impl<B: Bell> Signal<B> {
    /// A clear event whose state is in `state` and whose bell is silent.
    pub fn new(state: State, bell: B) -> Self {
        let shared = Shared { bell: Some(Arc::new(bell)), waiters: Slab::new() };
        Signal { state, shared: Mutex::new(shared) }
    }

    /// The state word.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The bell, which lives until the last one who holds it lets go.
    pub fn bell(&self) -> Result<Arc<B>, Error> {
        lock(&self.shared).bell.clone().ok_or(Error::Closed)
    }

    /// Sets the event.
    pub fn set(&self) -> Result<(), Error> {
        let before = self.state.observe();
        if before.is_closed() {
            return Err(Error::Closed);
        }
        if !before.is_set() {
            self.bell()?.ring()?;
            self.state.mark_set(before);
        }
        Ok(())
    }

    /// Clears the event.
    pub fn clear(&self) -> Result<(), Error> {
        self.clear_with(|bell| Ok(((), Some(bell.drain()?))))
    }

    /// Clears the event when `drain` has silenced the bell: it returns what the caller wants of it and,
    /// when the bell is silent now, whether it was ringing. No `set()` or `clear()` comes between.
    pub fn clear_with<T>(&self, drain: impl FnOnce(&B) -> io::Result<(T, Option<bool>)>) -> Result<T, Error> {
        let shared = lock(&self.shared);
        let (result, silenced) = drain(shared.bell.as_ref().ok_or(Error::Closed)?)?;
        if let Some(rung) = silenced
            && (self.state.clear(rung).is_set() || rung)
        {
            // Under the lock, so that nobody is called who has left.
            for (_, waiter) in &shared.waiters {
                waiter.wake();
            }
        }
        Ok(result)
    }

    /// Whether the event is set.
    pub fn is_set(&self) -> Result<bool, Error> {
        let now = self.state.observe();
        if now.is_closed() {
            return Err(Error::Closed);
        }
        Ok(now.is_set() || self.bell()?.is_ringing()?)
    }

    /// Waits until the event is set, and returns whether it was. A `set()` that was cleared before
    /// this thread got up counts. A deadline that has come probes once.
    pub fn wait(&self, parker: &impl Park<B>, deadline: Deadline) -> Result<bool, Error> {
        let entered = self.state.observe();
        if entered.is_set() && !entered.is_closed() {
            return Ok(true);
        }
        if deadline.has_come() {
            return self.is_set();
        }
        if let Some(outcome) = parker.linger(|| self.outcome(entered)) {
            return outcome;
        }
        let waiter = Waiter { signal: self, joined: self.join(parker.waker())? };
        // From here on clear() and close() call this thread; only now may it believe that nothing came.
        loop {
            if let Some(outcome) = self.outcome(entered) {
                return outcome;
            }
            match parker.park(&waiter.joined.bell, deadline)? {
                Parked::Rung if self.state.observe().is_closed() => return Err(Error::Closed),
                Parked::Rung => return Ok(true),
                Parked::Woken => {}
                Parked::Interrupted => return Err(Error::Interrupted),
                Parked::TimedOut => return self.outcome(entered).unwrap_or(Ok(false)),
            }
        }
    }

    /// What a waiter that has joined has to say by now, if anything; `entered` is what it saw when its
    /// wait began.
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

    /// Closes the event: whoever waits is called and gets [`Error::Closed`], and so does whoever
    /// comes later. Returns whether this call did it.
    pub fn close(&self) -> bool {
        let bell = {
            // The word and the bell under one lock: two closes both return to a closed event.
            let mut shared = lock(&self.shared);
            if self.state.close().is_closed() {
                return false;
            }
            for (_, waiter) in &shared.waiters {
                waiter.closed();
            }
            shared.bell.take()
        };
        drop(bell);
        true
    }

    /// Puts `waker` among those who are called when the bell cannot be relied on, until
    /// [`Signal::leave`].
    pub fn join(&self, waker: Arc<dyn Wake>) -> Result<Joined<B>, Error> {
        let mut shared = lock(&self.shared);
        let bell = shared.bell.clone().ok_or(Error::Closed)?;
        let key = shared.waiters.insert(waker);
        Ok(Joined { bell, key })
    }

    /// Takes the waker that got `key` from [`Signal::join`] out again.
    pub fn leave(&self, key: usize) {
        lock(&self.shared).waiters.try_remove(key);
    }
}

/// What [`Signal::join`] returns: the bell to sleep on and the key to leave with.
#[derive(Debug)]
pub struct Joined<B> {
    /// The bell, alive for as long as this is held.
    pub bell: Arc<B>,
    /// For [`Signal::leave`].
    pub key: usize,
}

/// A blocked waiter, which leaves however its wait ends.
struct Waiter<'a, B: Bell> {
    signal: &'a Signal<B>,
    joined: Joined<B>,
}

impl<B: Bell> Drop for Waiter<'_, B> {
    fn drop(&mut self) {
        self.signal.leave(self.joined.key);
    }
}

impl<B> fmt::Debug for Signal<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signal").finish_non_exhaustive()
    }
}
