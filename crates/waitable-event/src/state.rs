//! The state word: one `u32` that every thread, in Rust and in JavaScript, reads and changes.
//!
//! ```text
//!  31                                2   1        0
//! ┌───────────────────────────────────┬────────┬─────┐
//! │ epoch: how often it became set    │ CLOSED │ SET │
//! └───────────────────────────────────┴────────┴─────┘
//! ```
//!
//! **Memory order.** Every access is a read-modify-write with acquire-release order, also where only
//! the value is wanted and also where the value stays as it is. That carries the promise that
//! whoever clears the event sees everything that every setter wrote before its `set()`, also the
//! setters who found it set already and did nothing else: their read-modify-write stands before the
//! clearing one in the word's modification order, and read-modify-writes continue the release
//! sequence, so the clearing one synchronises with all of them. A plain load instead (libuv's "cheap
//! read first") could be satisfied while the setter's data still sits in its store buffer; BIND 9
//! lost wake-ups that way.
//!
//! The epoch counts edges, not calls, so a waiter that slept through `set(); clear()` sees that it was
//! called. It wraps after 2^30 edges; a waiter would be fooled only by sleeping through an exact
//! multiple of that many.

use std::fmt;
use std::ptr::NonNull;

use crate::sync::{AtomicU32, Ordering};

const SET: u32 = 1;
const CLOSED: u32 = 1 << 1;
const EPOCH_ONE: u32 = 1 << 2;

/// The state word, in memory of its own or in memory that somebody lends (a SharedArrayBuffer).
pub struct State {
    word: Storage,
}

enum Storage {
    Owned(Box<AtomicU32>),
    Lent(NonNull<AtomicU32>),
}

// SAFETY: both variants are a place for one atomic; `Lent` is promised to outlive every use by
// whoever called `State::lent`, from whatever thread.
unsafe impl Send for State {}
// SAFETY: as above; the atomic is all that is ever reached through a shared reference.
unsafe impl Sync for State {}

/// What the state word said at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Snapshot(u32);

impl Snapshot {
    /// What the word says when it is `word`: for those who read it in JavaScript.
    pub fn of_word(word: u32) -> Self {
        Snapshot(word)
    }

    /// Whether the event was set through the word (a byte from a foreign writer is not in it).
    pub fn is_set(self) -> bool {
        self.0 & SET != 0
    }

    /// Whether the event was closed.
    pub fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// How often the event had become set, modulo 2^30.
    pub fn epoch(self) -> u32 {
        self.0 / EPOCH_ONE
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
    /// A clear state in memory of its own.
    pub fn new() -> Self {
        State { word: Storage::Owned(Box::new(AtomicU32::new(0))) }
    }

    /// A state in memory that somebody else owns; the word must be zero for a clear event.
    ///
    /// # Safety
    ///
    /// `word` is aligned, valid for reads and writes, accessed by atomic operations only, and stays
    /// so for as long as anybody calls a method of this state (dropping the state does not touch it).
    pub unsafe fn lent(word: NonNull<AtomicU32>) -> Self {
        State { word: Storage::Lent(word) }
    }

    /// Where the word is; two states are the same one when this is equal.
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

    /// Applies `change` in one read-modify-write and returns what stood there before.
    fn update(&self, change: impl Fn(u32) -> u32) -> Snapshot {
        let result = self.word().fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| Some(change(word)));
        Snapshot(result.unwrap_or_else(|word| word))
    }

    /// Reads the word, as a read-modify-write that changes nothing.
    pub fn observe(&self) -> Snapshot {
        Snapshot(self.word().fetch_or(0, Ordering::AcqRel))
    }

    /// Sets and counts the edge, if the word is still as it was `before`, which was clear and open.
    pub(crate) fn mark_set(&self, before: Snapshot) {
        let after = (before.0 | SET).wrapping_add(EPOCH_ONE);
        // Nothing to do when it fails: somebody else has set, cleared or closed meanwhile.
        let _ = self.word().compare_exchange(before.0, after, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Clears. `rung` tells that the pipe held bytes: on a word that was clear they came from a
    /// foreign writer whose edge nobody counted yet, so it is counted now.
    pub(crate) fn clear(&self, rung: bool) -> Snapshot {
        self.update(|word| if word & SET == 0 && rung { word.wrapping_add(EPOCH_ONE) } else { word & !SET })
    }

    /// Closes, for ever.
    pub(crate) fn close(&self) -> Snapshot {
        Snapshot(self.word().fetch_or(CLOSED, Ordering::AcqRel))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The word itself is not read: lent memory may be gone when somebody prints the state.
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
        let state = State { word: Storage::Owned(Box::new(AtomicU32::new(!(SET | CLOSED)))) };
        state.mark_set(state.observe());
        let now = state.observe();
        assert!(now.is_set() && !now.is_closed());
        assert_eq!(now.epoch(), 0);
    }

    #[test]
    fn a_word_that_somebody_touched_is_not_marked() {
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
