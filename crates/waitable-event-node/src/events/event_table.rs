//! The events that an environment has open, by slot.

use std::cell::RefCell;
use std::rc::Rc;

use napi::sys;
use waitable_event::{Error, Event, Readiness, Snapshot};

use super::open_event::OpenEvent;
use super::watch::{Pending, Watch};
use crate::ffi::number_table::NumberTable;
use crate::ffi::status;
use crate::pollers::batch_poller::BatchPoller;
use crate::reactor::pending_arms::PendingArms;

/// A number that is no slot.
pub const NO_SLOT: u32 = u32::MAX;

/// The events of one environment. A slot that is not in use was a closed event's, and is never another one's
/// (`number_table.rs`).
#[derive(Default)]
pub struct EventTable(RefCell<NumberTable<OpenEvent>>);

impl EventTable {
    /// Adds an event, and returns its slot. Gives it back when the table is full.
    pub fn insert(&self, event: OpenEvent) -> Result<u32, OpenEvent> {
        self.0.borrow_mut().insert(event)
    }

    /// Returns what `operation` returns for the event in `slot`.
    pub fn with(&self, slot: u32, operation: impl FnOnce(&Event) -> i32) -> i32 {
        match self.0.borrow().get(slot) {
            Some(open) => operation(&open.event),
            None => status::CLOSED,
        }
    }

    /// Returns what `operation` returns for the event in `slot`, which it may change.
    pub fn with_mut(&self, slot: u32, operation: impl FnOnce(&mut OpenEvent) -> i32) -> i32 {
        match self.0.borrow_mut().get_mut(slot) {
            Some(open) => operation(open),
            None => status::CLOSED,
        }
    }

    /// Returns the event in `slot`, for calls that may take long.
    pub fn get(&self, slot: u32) -> Result<Event, Error> {
        self.0.borrow().get(slot).map(|open| open.event.clone()).ok_or(Error::Closed)
    }

    /// Returns whether the word of the event in `slot` says that it is set.
    pub fn word_is_set(&self, slot: u32) -> bool {
        self.0.borrow().get(slot).is_some_and(|open| {
            let word = open.event.signal().state().observe();
            word.is_set() && !word.is_closed()
        })
    }

    /// Has the reactor with `poller` report when the event in `slot` is set, for a wait that began at `entered`.
    /// Returns 1 when it has been set since, 0 when it is armed, or a status.
    pub fn arm(&self, slot: u32, entered: Snapshot, poller: &Rc<BatchPoller>, pending: &PendingArms) -> i32 {
        self.with_mut(slot, |open| {
            let watch = open.watch.get_or_insert_with(|| Watch::new(poller.clone(), slot));
            status::of(watch.arm(&open.event, slot, entered, pending))
        })
    }

    /// Ends the wait for the event in `slot`.
    pub fn disarm(&self, slot: u32) {
        self.with_watch(slot, Watch::disarm);
    }

    /// Reads the word of the event in `slot`, whose arming is pending.
    pub fn poll_pending(&self, slot: u32) -> Pending {
        self.with_watch(slot, Watch::poll_pending).unwrap_or(Pending::Gone)
    }

    /// Arms the event in `slot`, whose arming is pending, unless its word has an outcome.
    pub fn arm_pending(&self, slot: u32) -> Pending {
        self.with_watch(slot, Watch::arm_pending).unwrap_or(Pending::Gone)
    }

    /// Ends the wait for the event in `slot`, whose token was reported, and returns the outcome, if there is one.
    pub fn consume(&self, slot: u32, readiness: Readiness) -> Option<i32> {
        self.with_watch(slot, |watch, event| watch.consume(event, readiness)).flatten()
    }

    fn with_watch<T>(&self, slot: u32, operation: impl FnOnce(&mut Watch, &Event) -> T) -> Option<T> {
        let mut events = self.0.borrow_mut();
        let open = events.get_mut(slot)?;
        open.watch.as_mut().map(|watch| operation(watch, &open.event))
    }

    /// Removes and releases the event in `slot`.
    ///
    /// # Safety
    ///
    /// As for [`OpenEvent::release`].
    pub unsafe fn release(&self, slot: u32, env: sys::napi_env) {
        let open = self.0.borrow_mut().remove(slot);
        if let Some(open) = open {
            // SAFETY: the caller's contract.
            unsafe { open.release(env) };
        }
    }

    /// Removes and releases all events.
    ///
    /// # Safety
    ///
    /// As for [`OpenEvent::release`].
    pub unsafe fn release_all(&self, env: sys::napi_env) {
        let all = self.0.borrow_mut().drain();
        for open in all {
            // SAFETY: the caller's contract.
            unsafe { open.release(env) };
        }
    }
}
