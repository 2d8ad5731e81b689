//! A poller that reports into a batch, which JavaScript reads.

use std::cell::{Cell, RefCell};
use std::io;

use napi::sys;
use waitable_event::{Interest, Poller, Readiness, Ready};

use super::event_members::EventMembers;
use super::token;
use crate::ffi::batch::{ALARM, Batch};
use crate::ffi::{readiness_flags, status};

/// A poller, and the batch that it fills.
pub struct BatchPoller {
    /// The poller beneath.
    pub inner: Poller,
    /// The members, for a run loop.
    pub members: EventMembers,
    /// The memory that JavaScript reads.
    pub batch: Batch,
    /// What was polled, and is not in the batch yet.
    ready: RefCell<Vec<Ready>>,
    /// Whether the alarm has expired, and JavaScript has not been told.
    alarm_expired: Cell<bool>,
}

impl BatchPoller {
    /// Returns a poller that reports through `batch`, or a status.
    ///
    /// # Safety
    ///
    /// As for [`Batch::new`].
    pub unsafe fn new(env: sys::napi_env, batch: sys::napi_value) -> Result<BatchPoller, i32> {
        let inner = Poller::new().map_err(|error| status::of_io_error(&error))?;
        // SAFETY: the caller's contract.
        let batch = unsafe { Batch::new(env, batch) }?;
        Ok(BatchPoller {
            inner,
            members: EventMembers::default(),
            batch,
            ready: RefCell::default(),
            alarm_expired: Cell::default(),
        })
    }

    /// Moves what is ready into the batch, and returns the number of entries, with the bit [`ALARM`], or a status. What
    /// does not fit stays for the next call.
    ///
    /// `outcome_of` is called with the slot of each event whose token was reported, and whether its pipe is readable.
    /// It returns the outcome to report, if there is one.
    pub fn fill(&self, mut outcome_of: impl FnMut(u32, bool) -> Option<i32>) -> i32 {
        if !self.has_more()
            && let Err(error) = self.poll()
        {
            return status::of_io_error(&error);
        }
        let alarm = self.alarm_expired.take();
        let mut ready = self.ready.borrow_mut();
        let mut count = 0;
        let fitting = ready.len().min(self.batch.capacity());
        for Ready { token, readiness } in ready.drain(..fitting) {
            match token::event_slot(token) {
                None => {
                    // Not above `LAST_TOKEN`.
                    self.batch.write(count, token as i32, readiness_flags::from_readiness(readiness));
                    count += 1;
                }
                Some(slot) => {
                    if let Some(outcome) = outcome_of(slot, readiness.satisfies(Interest::READABLE)) {
                        self.batch.write_outcome(count, slot, outcome);
                        count += 1;
                    }
                }
            }
        }
        status::of_count(count) | if alarm { ALARM } else { 0 }
    }

    /// Fills the batch of a run loop, whose tokens are all the facade's.
    pub fn fill_members(&self) -> i32 {
        self.fill(|_, _| None)
    }

    /// Polls the kernel, for the next `fill()`. Returns whether something is ready.
    pub fn poll(&self) -> io::Result<bool> {
        self.discard_stale();
        let mut ready = self.ready.borrow_mut();
        let alarm_expired = self.inner.poll(&mut ready)?;
        self.alarm_expired.set(self.alarm_expired.get() || alarm_expired);
        Ok(alarm_expired || !ready.is_empty())
    }

    /// Polls the members that are events, by `is_set` and without the kernel, for the next `fill()`. Returns whether
    /// something is ready.
    pub fn poll_events(&self, is_set: impl Fn(u32) -> bool) -> bool {
        let mut ready = self.ready.borrow_mut();
        self.members.collect_set(is_set, &mut ready);
        !ready.is_empty()
    }

    /// Discards what was polled of descriptors, which may not be ready any more. Those that are will be reported again.
    /// Reports without readiness stay: they are calls of a waker, and come only once.
    pub fn discard_stale(&self) {
        self.ready.borrow_mut().retain(|ready| ready.readiness == Readiness::default());
    }

    /// Returns whether a `fill()` is due without polling.
    pub fn has_more(&self) -> bool {
        !self.ready.borrow().is_empty()
    }

    /// Releases the values of JavaScript.
    ///
    /// # Safety
    ///
    /// As for [`Batch::release`].
    pub unsafe fn release(&self, env: sys::napi_env) {
        // SAFETY: the caller's contract.
        unsafe { self.batch.release(env) };
    }
}
