//! The state word: one `u32` that every thread, in Rust and in JavaScript, reads and changes.
//!
//! ```text
//!  31                                2   1        0
//! ┌───────────────────────────────────┬────────┬─────┐
//! │ epoch: how often it became set    │ CLOSED │ SET │
//! └───────────────────────────────────┴────────┴─────┘
//! ```
//!
//! **Memory order.** Every access is a read-modify-write with acquire-release order. That holds also where only the
//! value is wanted, and where the value does not change. The promise that rests on it: a thread that clears the event
//! sees everything that every setter wrote before its `set()`. This includes setters that found the event set already
//! and did nothing else:
//!
//! 1. The read-modify-write of such a setter precedes the clearing one in the word's modification order.
//! 2. Read-modify-writes continue the release sequence.
//! 3. So the clearing one synchronises with all of them.
//!
//! A plain load in their place (libuv's "cheap read first") could be satisfied while the setter's data still sits in
//! its store buffer. BIND 9 lost wake-ups that way.
//!
//! The epoch counts edges, not calls: a waiter that slept through `set(); clear()` sees that the event was set. The
//! epoch wraps after 2^30 edges. A waiter would miss a wake-up only if it slept through an exact multiple of that many.

use std::fmt;
use std::ptr::NonNull;

use crate::sync::{AtomicU32, Ordering};

/// The state word, in memory of its own or in memory that the caller lends (a SharedArrayBuffer).
pub struct State {
    word: Storage,
}

enum Storage {
    Owned(Box<AtomicU32>),
    Lent(NonNull<AtomicU32>),
}

// SAFETY: both variants are a place for one atomic. The caller of `State::lent` promised that `Lent` outlives every
// use, from any thread.
unsafe impl Send for State {}
// SAFETY: as above; a shared reference gives access to the atomic alone.
unsafe impl Sync for State {}

/// The value of the state word at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Snapshot(u32);

impl Snapshot {
    /// Returns the snapshot of a word that JavaScript has read.
    pub fn from_word(word: u32) -> Self {
        Snapshot(word)
    }

    /// Returns whether the event was set through the word. A byte from a foreign writer is not in it.
    pub fn is_set(self) -> bool {
        self.0 & State::SET != 0
    }

    /// Returns whether the event was closed.
    pub fn is_closed(self) -> bool {
        self.0 & State::CLOSED != 0
    }

    /// Returns how often the event had become set, modulo 2^30.
    pub fn epoch(self) -> u32 {
        self.0 >> State::EPOCH_SHIFT
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Snapshot")
            .field("set", &self.is_set())
            .field("closed", &self.is_closed())
            .field("epoch", &self.epoch())
            .finish()
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// The bit that says that the event is set.
    pub const SET: u32 = 1;
    /// The bit that says that the event is closed.
    pub const CLOSED: u32 = 1 << 1;
    /// The number of bits below the epoch.
    pub const EPOCH_SHIFT: u32 = 2;

    /// The distance from one epoch to the next.
    const EPOCH_ONE: u32 = 1 << State::EPOCH_SHIFT;

    /// Returns a clear state in memory of its own.
    pub fn new() -> Self {
        State { word: Storage::Owned(Box::new(AtomicU32::new(0))) }
    }

    /// Returns a state in memory that the caller owns. The word must be zero for a clear event.
    ///
    /// # Safety
    ///
    /// `word` is aligned, valid for reads and writes, and accessed by atomic operations only. It stays so for as long
    /// as a method of this state may be called (dropping the state does not touch it).
    pub unsafe fn lent(word: NonNull<AtomicU32>) -> Self {
        State { word: Storage::Lent(word) }
    }

    /// Returns the address of the word. Two states with the same address are the same state.
    pub fn address(&self) -> *const AtomicU32 {
        self.word()
    }

    fn word(&self) -> &AtomicU32 {
        match &self.word {
            Storage::Owned(word) => word,
            // SAFETY: the contract of `State::lent`.
            Storage::Lent(word) => unsafe { word.as_ref() },
        }
    }

    /// Applies `change` in one read-modify-write, and returns the value before it.
    fn update(&self, change: impl Fn(u32) -> u32) -> Snapshot {
        let result = self.word().fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| Some(change(word)));
        Snapshot(result.unwrap_or_else(|word| word))
    }

    /// Reads the word, by a read-modify-write that changes nothing.
    pub fn observe(&self) -> Snapshot {
        Snapshot(self.word().fetch_or(0, Ordering::AcqRel))
    }

    /// Sets the word and counts the edge, if the word is still `before`, which was clear and open.
    pub(crate) fn mark_set(&self, before: Snapshot) {
        let after = (before.0 | State::SET).wrapping_add(State::EPOCH_ONE);
        // A failure needs no action: another thread has set, cleared or closed the event meanwhile.
        let _ = self.word().compare_exchange(before.0, after, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Clears the word, and returns its value before. `drained` says that the pipe held bytes. If the word was clear
    /// then, the bytes came from a foreign writer. No setter counted that edge, so it is counted here.
    pub(crate) fn clear(&self, drained: bool) -> Snapshot {
        self.update(|word| {
            if word & State::SET == 0 && drained { word.wrapping_add(State::EPOCH_ONE) } else { word & !State::SET }
        })
    }

    /// Closes the word permanently, and returns its value before.
    pub(crate) fn close(&self) -> Snapshot {
        Snapshot(self.word().fetch_or(State::CLOSED, Ordering::AcqRel))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The word itself is not read: lent memory may be gone when the state is printed.
        formatter.debug_struct("State").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_edges_move_the_epoch() {
        let state = State::new();
        state.mark_set(state.observe());
        assert!(state.observe().is_set());
        assert_eq!(state.observe().epoch(), 1);
        assert!(state.clear(true).is_set());
        assert_eq!(state.observe().epoch(), 1);
        state.clear(false);
        assert_eq!(state.observe().epoch(), 1, "nothing was set, nothing was missed");
        state.clear(true);
        assert_eq!(state.observe().epoch(), 2, "a foreign byte was an edge");
        assert!(!state.observe().is_set());
    }

    #[test]
    fn the_epoch_wraps_without_touching_the_flags() {
        let state = State { word: Storage::Owned(Box::new(AtomicU32::new(!(State::SET | State::CLOSED)))) };
        state.mark_set(state.observe());
        let now = state.observe();
        assert!(now.is_set() && !now.is_closed());
        assert_eq!(now.epoch(), 0);
    }

    #[test]
    fn a_word_that_changed_meanwhile_is_not_marked() {
        let state = State::new();
        let before = state.observe();
        state.clear(true);
        state.mark_set(before);
        assert!(!state.observe().is_set());
        let before = state.observe();
        assert!(!state.close().is_closed());
        state.mark_set(before);
        assert!(state.close().is_closed() && !state.observe().is_set());
    }
}
