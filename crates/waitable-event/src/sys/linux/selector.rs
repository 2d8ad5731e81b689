//! Keeps the promises of a poller: descriptors, an alarm, wake-ups from other threads and changes of the wall clock
//! behind one descriptor. An epoll over eventfd and timerfds.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::epoll::EpollSet;
use super::timerfd::{Alarm, ClockWatch};
use crate::readiness::{Interest, Polled, Ready, Trigger};
use crate::sys::unix::waker::Waker;

/// Tokens of the selector itself.
const WAKER: u64 = u64::MAX;
const ALARM: u64 = u64::MAX - 1;
const CLOCK: u64 = u64::MAX - 2;

/// See `unix/selector.rs`.
#[derive(Debug)]
pub(crate) struct Selector {
    set: EpollSet,
    alarm: Alarm,
    clock: OnceLock<ClockWatch>,
    waker: Arc<Waker>,
}

impl Selector {
    /// The name by which `WAITABLE_EVENT_POLLER` asks for it.
    pub(crate) const NAME: &str = "epoll";

    /// Returns whether an epoll reports another one, which is ready.
    pub(crate) fn reports_nested(ready: BorrowedFd<'_>) -> io::Result<bool> {
        let outer = EpollSet::new()?;
        outer.add(ready, 0, Interest::READABLE, Trigger::Level)?;
        let mut has_reported = false;
        outer.poll(|_, _| has_reported = true)?;
        Ok(has_reported)
    }

    pub(crate) fn new() -> io::Result<Selector> {
        let set = EpollSet::new()?;
        let alarm = Alarm::new()?;
        let waker = Waker::new()?;
        set.add_edge_triggered(waker.as_fd(), WAKER)?;
        set.add_edge_triggered(alarm.as_fd(), ALARM)?;
        Ok(Selector { set, alarm, clock: OnceLock::new(), waker: Arc::new(waker) })
    }

    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        self.set.add(fd, token, interest, trigger)
    }

    pub(crate) fn modify(
        &self,
        fd: BorrowedFd<'_>,
        token: u64,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        self.set.modify(fd, token, interest, trigger)
    }

    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.set.remove(fd)
    }

    pub(crate) fn set_alarm(&self, delay: Option<Duration>) -> io::Result<()> {
        self.alarm.set(delay)
    }

    pub(crate) fn watch_clock(&self) -> io::Result<()> {
        if self.clock.get().is_none() {
            let fresh = ClockWatch::new()?;
            let clock = self.clock.get_or_init(|| fresh);
            self.set.add_edge_triggered(clock.as_fd(), CLOCK)?;
        }
        Ok(())
    }

    pub(crate) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    pub(crate) fn poll(&self, mut each: impl FnMut(Ready)) -> io::Result<Polled> {
        let mut polled = Polled::default();
        let mut clock_was_set = false;
        self.set.poll(|token, readiness| match token {
            WAKER => polled.is_woken = true,
            ALARM => polled.alarm_expired = true,
            CLOCK => clock_was_set = true,
            _ => each(Ready { token, readiness }),
        })?;
        if clock_was_set && let Some(clock) = self.clock.get() {
            clock.arm()?;
        }
        if polled.is_woken && !self.waker.is_counter() {
            // A full pipe has no more edges.
            self.waker.drain();
        }
        Ok(polled)
    }
}

impl AsFd for Selector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.set.as_fd()
    }
}
