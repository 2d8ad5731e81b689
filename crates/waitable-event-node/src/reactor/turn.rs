//! A turn of a reactor: everything between one call of its driver and the return to libuv's loop iteration.
//!
//! The reactor calls JavaScript with what is ready. When JavaScript returns, the thread spins
//! (`waitable_event::AdaptiveSpin` says why) before it returns to libuv:
//!
//! * on the state words of events that were awaited again meanwhile (`pending_arms.rs`), then
//! * on its run loops, whose members may be ready again, or still (`ready_loops.rs`), or on its whole poller if there
//!   are no loops.
//!
//! What is ready by then is reported in the same turn. It does not pass the kernel's sets and libuv (Node has libuv
//! call epoll twice an iteration).
//!
//! A turn keeps libuv from its other work for at most [`QUANTUM`] and one round.

use std::cell::Cell;
use std::time::{Duration, Instant};

use waitable_event::{AdaptiveSpin, sys};

use super::pending_arms::PendingArms;
use super::ready_loops::{ReadyLoops, Source};
use crate::events::event_table::EventTable;
use crate::events::watch::Pending;
use crate::ffi::batch::FRESH;
use crate::ffi::status;
use crate::pollers::batch_poller::BatchPoller;

/// How long libuv waits for the end of a turn.
const QUANTUM: Duration = Duration::from_micros(200);

/// The number of rounds from one reading of the clock to the next.
const CLOCK_INTERVAL: u32 = 4;

/// The number of rounds from one poll of the whole reactor to the next, when it has run loops.
const FULL_POLL_INTERVAL: u32 = 32;

/// One turn of a reactor.
pub struct Turn<'a> {
    poller: &'a BatchPoller,
    pending: &'a PendingArms,
    loops: &'a ReadyLoops,
    /// Decides whether to spin for what is not pending.
    spin: &'a AdaptiveSpin,
    /// How often a spin found a loop that is ready again.
    hits: Cell<u32>,
    /// How often JavaScript was called.
    round: Cell<u32>,
    /// When the turn began, by two clocks.
    began: Instant,
    began_coarsely: Duration,
    is_over: Cell<bool>,
}

impl Turn<'_> {
    /// Begins a turn: from now on events may be pending.
    pub fn begin<'a>(
        poller: &'a BatchPoller,
        pending: &'a PendingArms,
        loops: &'a ReadyLoops,
        spin: &'a AdaptiveSpin,
    ) -> Turn<'a> {
        pending.open();
        Turn {
            poller,
            pending,
            loops,
            spin,
            hits: Cell::new(0),
            round: Cell::new(0),
            began: Instant::now(),
            began_coarsely: sys::coarse_now(),
            is_over: Cell::new(false),
        }
    }

    /// Fills the batch with what was polled, or polls. Returns the result of [`BatchPoller::fill`], with the bit
    /// [`FRESH`] if it polled.
    pub fn fill(&self, events: &EventTable) -> i32 {
        let is_fresh = !self.poller.has_polled();
        match self.poller.fill(|slot, readiness| events.consume(slot, readiness)) {
            filled if filled > 0 && is_fresh => filled | FRESH,
            filled => filled,
        }
    }

    /// Fills the batch for the next round of the same turn, and returns the number of entries: zero ends the turn.
    pub fn next(&self, events: &EventTable) -> i32 {
        let may_continue = self.may_continue();
        let count = self.fill_from_pending(events, may_continue);
        if count != 0 || !may_continue || !self.spin.should_spin() {
            return count;
        }
        if self.loops.is_empty() { self.spin_on_poller(events) } else { self.spin_on_loops(events) }
    }

    /// Returns whether libuv can wait a little longer.
    fn may_continue(&self) -> bool {
        let round = self.round.replace(self.round.get() + 1);
        // Not in every round: reading the clock costs a hundredth of a round. The coarse clock costs a fifth of that.
        // It moves every few milliseconds, and so shows that a handler took long in between.
        if round.is_multiple_of(CLOCK_INTERVAL) && self.began.elapsed() > QUANTUM
            || sys::coarse_now() != self.began_coarsely
        {
            self.is_over.set(true);
        }
        !self.is_over.get()
    }

    /// Reports the pending events that were set meanwhile, or arms them all.
    fn fill_from_pending(&self, events: &EventTable, may_spin: bool) -> i32 {
        if self.pending.is_empty() {
            return 0;
        }
        if may_spin {
            let found = self.pending.spin(|| match self.report_pending(|slot| events.poll_pending(slot)) {
                0 if self.pending.is_empty() => Some(0),
                0 => None,
                count => Some(count),
            });
            if let Some(count) = found {
                return count;
            }
        }
        self.pending.close();
        let count = self.report_pending(|slot| events.arm_pending(slot));
        self.pending.clear();
        count
    }

    /// Writes the outcomes that `poll` returns into the batch, and removes their events from the pending ones.
    fn report_pending(&self, poll: impl Fn(u32) -> Pending) -> i32 {
        let mut count = 0;
        self.pending.retain(|slot| match poll(slot) {
            Pending::Outcome(outcome) => {
                // Within the batch: a reactor's holds more than can be pending.
                self.poller.batch.write_outcome(count, slot, outcome);
                count += 1;
                false
            }
            Pending::Waiting => true,
            Pending::Gone => false,
        });
        status::of_count(count)
    }

    /// Spins on the poller of the reactor.
    fn spin_on_poller(&self, events: &EventTable) -> i32 {
        self.spin.spin(|| self.fill_if_ready(events)).unwrap_or(0)
    }

    /// Spins on the run loops. The first poll calls the kernel for those whose words do not tell enough; the further
    /// ones read words alone.
    fn spin_on_loops(&self, events: &EventTable) -> i32 {
        let is_full_poll_due = self.round.get().is_multiple_of(FULL_POLL_INTERVAL);
        if is_full_poll_due && let Some(count) = self.fill_if_ready(events) {
            return count;
        }
        let mut source = if is_full_poll_due { Source::Kernel } else { Source::KernelForOthers };
        let found = self.spin.spin(|| {
            let source = std::mem::replace(&mut source, Source::Words);
            self.loops.poll(self.poller, events, source)
        });
        if found.is_some() {
            self.hits.set(self.hits.get() + 1);
            // The second hit promises more of them. Muting costs two system calls a turn.
            if self.hits.get() == 2 {
                self.loops.mute(self.poller);
            }
        }
        found.unwrap_or(0)
    }

    fn fill_if_ready(&self, events: &EventTable) -> Option<i32> {
        Some(self.fill(events)).filter(|filled| *filled != 0)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pending.close();
        self.pending.clear();
        self.loops.unmute(self.poller);
    }
}
