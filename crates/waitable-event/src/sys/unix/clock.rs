//! Keeps the promise that all threads share one monotonic clock, and that times on the wall clock fit to it:
//! clock_gettime().

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::sys::clock_offset;
use crate::sys::native::COARSE;

/// Returns the time on a clock. It cannot fail for the clocks that are used here; without one, no time passes.
fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// Returns seconds on the monotonic clock, which all threads share.
pub fn monotonic_time() -> f64 {
    read(ClockId::CLOCK_MONOTONIC).as_secs_f64()
}

/// Returns what to add to the monotonic clock to get seconds since the epoch, as the wall clock is set now.
pub fn wall_offset() -> f64 {
    clock_offset::measure(|| read(ClockId::CLOCK_MONOTONIC), || read(ClockId::CLOCK_REALTIME))
}

/// Returns the time on a monotonic clock that moves every few milliseconds, where there is one, and is cheap to read.
pub fn coarse_now() -> Duration {
    read(COARSE)
}
