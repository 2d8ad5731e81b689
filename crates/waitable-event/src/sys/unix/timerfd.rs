//! A deadline that is itself a descriptor: a timerfd.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timer::{Expiration, TimerSetTimeFlags};
use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};

/// Becomes readable when the time it was set to has passed, and stays so until it is set anew.
/// On the monotonic clock, to the nanosecond.
#[derive(Debug)]
pub(crate) struct Alarm(TimerFd);

impl Alarm {
    pub(crate) fn new() -> io::Result<Alarm> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        Ok(Alarm(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?))
    }

    /// Rings in `delay`; `None` disarms. A zero delay would disarm too, as the kernel has it, so
    /// it becomes the shortest one there is.
    pub(crate) fn set(&self, delay: Option<Duration>) -> io::Result<()> {
        match delay {
            None => self.0.unset()?,
            Some(delay) => {
                let delay = delay.clamp(Duration::from_nanos(1), Duration::from_secs(i32::MAX as u64));
                let at = Expiration::OneShot(TimeSpec::from_duration(delay));
                self.0.set(at, TimerSetTimeFlags::empty())?;
            }
        }
        Ok(())
    }
}

/// Becomes readable when somebody sets the wall clock: a timer on that clock which never rings.
#[derive(Debug)]
pub(crate) struct ClockWatch(TimerFd);

impl ClockWatch {
    pub(crate) fn new() -> io::Result<ClockWatch> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let watch = ClockWatch(TimerFd::new(ClockId::CLOCK_REALTIME, flags)?);
        watch.arm()?;
        Ok(watch)
    }

    /// Listens for the next time.
    pub(crate) fn arm(&self) -> io::Result<()> {
        let never = Expiration::OneShot(TimeSpec::from_duration(Duration::from_secs(i64::MAX as u64 / 4)));
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        match self.0.set(never, flags) {
            // It was set since the last time: the timer is armed all the same.
            Err(Errno::ECANCELED) => Ok(()),
            result => Ok(result?),
        }
    }
}

impl AsFd for ClockWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
