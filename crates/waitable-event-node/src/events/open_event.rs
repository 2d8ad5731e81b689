//! One event that is open in one environment.

use std::sync::Arc;

use napi::sys;
use waitable_event::{Error, Event, Wake, WeakEvent};

use super::watch::Watch;
use crate::ffi::reference::Reference;

/// An event, and what this environment has to do with it.
pub struct OpenEvent {
    /// The event.
    pub event: Event,
    /// Its place in the reactor, once it was awaited.
    pub watch: Option<Watch>,
    /// Closes the event when this environment releases it or ends.
    pub closes_with_environment: bool,
    /// Keeps the memory of the state word alive: see the SAFETY comment in `create_event`.
    state: Reference,
    /// The event that closes this one when it closes, and the number among its waiters.
    closes_with: Option<(Event, usize)>,
}

impl OpenEvent {
    /// Returns an event whose state word is in the memory of `state`.
    pub fn new(event: Event, state: Reference) -> OpenEvent {
        OpenEvent { event, watch: None, closes_with_environment: false, state, closes_with: None }
    }

    /// Has the event close, for all threads, when `other` closes. Call it once.
    pub fn close_with(&mut self, other: Event) -> Result<(), Error> {
        let waiter_id = other.signal().join(Arc::new(CloseWith(self.event.downgrade())))?.waiter_id;
        self.closes_with = Some((other, waiter_id));
        Ok(())
    }

    /// Releases everything that this environment holds for the event.
    ///
    /// # Safety
    ///
    /// `env` is the environment in which the event was opened, and current on this thread.
    pub unsafe fn release(self, env: sys::napi_env) {
        if self.closes_with_environment {
            self.event.close();
        }
        if let Some(watch) = self.watch {
            watch.end(&self.event);
        }
        if let Some((other, waiter_id)) = &self.closes_with {
            other.signal().leave(*waiter_id);
        }
        drop(self.event);
        // SAFETY: the reference was made in this environment, and is not used any more.
        unsafe { self.state.delete(env) };
    }
}

/// Closes an event when another one closes.
struct CloseWith(WeakEvent);

impl Wake for CloseWith {
    fn wake(&self) {}

    fn closed(&self) {
        // Called under the lock of the other event. No thread locks that one while it holds the lock of this one, which
        // closes with it.
        if let Some(event) = self.0.upgrade() {
            event.close();
        }
    }
}
