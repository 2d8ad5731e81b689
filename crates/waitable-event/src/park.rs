//! How a thread sleeps, and how another thread ends its sleep.

use std::io;

use crate::deadline::Deadline;
use crate::sync::Arc;

/// A way to wake a sleeper.
pub trait Wake: Send + Sync {
    /// Ends the sleep, or the next one when there is none now. Never blocks.
    fn wake(&self);

    /// Is called instead of [`Wake::wake`] when the event closes. Never blocks.
    fn closed(&self) {
        self.wake();
    }
}

/// A way to sleep on a doorbell.
pub trait Park<D> {
    /// Returns the waker of this sleeper, for the cases in which the doorbell cannot be relied on.
    fn waker(&self) -> Arc<dyn Wake>;
    /// Calls `poll` for a short time, until it returns something, before the thread sleeps (`adaptive_spin.rs`).
    /// The default does not call it.
    fn spin<T>(&self, _poll: impl FnMut() -> Option<T>) -> Option<T> {
        None
    }
    /// Sleeps until the doorbell is notified, the waker is called, the thread is to end, or `deadline`.
    fn park(&self, doorbell: &D, deadline: Deadline) -> io::Result<Parked>;
}

/// What ended a sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parked {
    /// The doorbell is notified.
    Notified,
    /// The waker was called, or the sleep ended without a reason: read the word, perhaps sleep again.
    Woken,
    /// The thread is being ended.
    Interrupted,
    /// The deadline has passed.
    TimedOut,
}
