//! What other threads call to have a poller look.

use std::fmt;
use std::sync::Weak;

use crate::park::Wake;

/// Has a selector report that it was woken.
pub(crate) struct Waker(Weak<dyn Wake>);

impl Waker {
    /// Returns the waker of a selector.
    pub(super) fn new(set: Weak<dyn Wake>) -> Waker {
        Waker(set)
    }

    /// Wakes the selector, if it is still there.
    pub(crate) fn wake(&self) {
        if let Some(set) = self.0.upgrade() {
            set.wake();
        }
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Waker").finish_non_exhaustive()
    }
}
