//! Keeps the promises that an alarm is never early, and that tasks on the wall clock learn when that clock is set:
//! timerfds.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timer::{Expiration, TimerSetTimeFlags};
use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};

/// A deadline. Its descriptor becomes readable when the alarm expires, and stays so until the alarm is set again. It
/// runs on the monotonic clock, to the nanosecond.
#[derive(Debug)]
pub(super) struct Alarm(TimerFd);

impl Alarm {
    pub(super) fn new() -> io::Result<Alarm> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        Ok(Alarm(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?))
    }

    /// Has the alarm expire in `delay`; `None` disarms it. To the kernel a zero delay would mean the same as `None`, so
    /// a zero becomes the shortest delay there is.
    pub(super) fn set(&self, delay: Option<Duration>) -> io::Result<()> {
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

/// A time that the wall clock does not reach: the last year of the kernel, or of a C library with 32 bits for seconds.
/// Such a library ends in 2038 in all its functions.
const NEVER: Duration =
    Duration::from_secs(if size_of::<TimeSpec>() < 16 { i32::MAX as u64 } else { i64::MAX as u64 / 4 });

/// A watch on the wall clock. Its descriptor becomes readable when the clock is set: it is a timer on that clock which
/// never expires.
#[derive(Debug)]
pub(super) struct ClockWatch(TimerFd);

impl ClockWatch {
    pub(super) fn new() -> io::Result<ClockWatch> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let watch = ClockWatch(TimerFd::new(ClockId::CLOCK_REALTIME, flags)?);
        watch.arm()?;
        Ok(watch)
    }

    /// Prepares to report the next time that the clock is set.
    pub(super) fn arm(&self) -> io::Result<()> {
        let never = Expiration::OneShot(TimeSpec::from_duration(NEVER));
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        match self.0.set(never, flags) {
            // The clock was set since the last call: the timer is armed all the same.
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
