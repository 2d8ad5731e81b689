//! The two clocks, side by side.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// A measurement that took longer than this, in seconds, is made again: the thread lost its core in the middle of it.
const INTERRUPTED: f64 = 2e-5;

/// How often at the most; the best one is taken.
const ATTEMPTS: u32 = 8;

/// Seconds on a clock. It cannot fail for those that are asked for here.
fn read(clock: ClockId) -> f64 {
    clock_gettime(clock).map_or(0.0, |time| time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
}

/// Seconds on the monotonic clock, which all threads share.
pub fn monotonic_time() -> f64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// What has to be added to the monotonic clock to have seconds since the epoch, as the wall clock is set now.
pub fn wall_offset() -> f64 {
    let (mut best, mut offset) = (f64::INFINITY, 0.0);
    for _ in 0..ATTEMPTS {
        let before = read(ClockId::CLOCK_MONOTONIC);
        let wall = read(ClockId::CLOCK_REALTIME);
        let after = read(ClockId::CLOCK_MONOTONIC);
        let took = after - before;
        if took < best {
            (best, offset) = (took, wall - (before + after) / 2.0);
        }
        if best < INTERRUPTED {
            break;
        }
    }
    offset
}

/// Time on a monotonic clock that moves every few milliseconds, and costs 8 ns to read where the exact one costs 40.
pub fn coarse_now() -> Duration {
    // It cannot fail where there is such a clock; without one, no time passes.
    clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).map_or(Duration::ZERO, Duration::from)
}
