//! Events that are awaited again while their reactor calls JavaScript.
//!
//! The kernel need not watch such an event yet: when JavaScript returns, the thread spins on the state words of these
//! events first (`turn.rs`). It arms those that were not set by then. Nothing is lost meanwhile, because arming reads
//! the word once more (`watch.rs`).

use std::cell::{Cell, RefCell};

use waitable_event::AdaptiveSpin;

/// The events of one reactor whose arming is pending.
#[derive(Default)]
pub struct PendingArms {
    spin: AdaptiveSpin,
    /// Whether the reactor calls JavaScript, and will poll afterwards.
    is_open: Cell<bool>,
    slots: RefCell<Vec<u32>>,
}

impl PendingArms {
    /// The number of events at most; further ones are armed immediately.
    pub const MAX: usize = 8;

    /// Accepts events from now on.
    pub fn open(&self) {
        self.is_open.set(true);
    }

    /// Accepts no events from now on.
    pub fn close(&self) {
        self.is_open.set(false);
    }

    /// Adds the event in `slot`, or returns false: then the caller has to arm it.
    pub fn defer(&self, slot: u32) -> bool {
        let mut slots = self.slots.borrow_mut();
        if !self.is_open.get() || slots.len() >= PendingArms::MAX || (slots.is_empty() && !self.spin.should_spin()) {
            return false;
        }
        if !slots.contains(&slot) {
            slots.push(slot);
        }
        true
    }

    /// Returns whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.slots.borrow().is_empty()
    }

    /// Calls `is_pending` with the slot of each event, and removes those for which it returns false.
    pub fn retain(&self, mut is_pending: impl FnMut(u32) -> bool) {
        self.slots.borrow_mut().retain(|&slot| is_pending(slot));
    }

    /// Removes all events.
    pub fn clear(&self) {
        self.slots.borrow_mut().clear();
    }

    /// Calls `poll`, for as long as a spin lasts, until it returns something.
    pub fn spin<T>(&self, poll: impl FnMut() -> Option<T>) -> Option<T> {
        self.spin.spin(poll)
    }
}
