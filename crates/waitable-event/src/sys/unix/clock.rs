//! The two clocks, side by side.

use nix::time::{ClockId, clock_gettime};

/// What has to be added to the monotonic clock to have seconds since the epoch, as the wall clock is set now.
pub fn wall_offset() -> f64 {
    let read = |clock| clock_gettime(clock).map_or(0.0, |time| time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9);
    // The monotonic clock is read on both sides, so that a thread that loses its core between them is not far off.
    let before = read(ClockId::CLOCK_MONOTONIC);
    let wall = read(ClockId::CLOCK_REALTIME);
    let after = read(ClockId::CLOCK_MONOTONIC);
    wall - (before + after) / 2.0
}
