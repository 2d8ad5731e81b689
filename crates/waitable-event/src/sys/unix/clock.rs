//! Keeps the promise that all threads share one monotonic clock, and that times on the wall clock fit to it:
//! clock_gettime().

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::sys::clock_offset;
use crate::sys::native::COARSE;

/// Returns seconds on a clock. It cannot fail for the clocks that are used here.
fn read(clock: ClockId) -> f64 {
    clock_gettime(clock).map_or(0.0, |time| time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
}

/// Returns seconds on the monotonic clock, which all threads share.
pub fn monotonic_time() -> f64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// Returns what to add to the monotonic clock to get seconds since the epoch, as the wall clock is set now.
pub fn wall_offset() -> f64 {
    clock_offset::measure(monotonic_time, || read(ClockId::CLOCK_REALTIME))
}

/// Returns the time on a monotonic clock that moves every few milliseconds, where there is one, and is cheap to read.
pub fn coarse_now() -> Duration {
    // It cannot fail where there is such a clock; without one, no time passes.
    clock_gettime(COARSE).map_or(Duration::ZERO, Duration::from)
}
