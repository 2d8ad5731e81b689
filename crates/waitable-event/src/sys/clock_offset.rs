//! What to add to the monotonic clock to get the time on the wall clock, as it is set now.

/// A measurement that took longer than this, in seconds, is repeated: the thread lost its core in the middle of it.
const INTERRUPTED: f64 = 2e-5;

/// The number of measurements at most; the best one counts.
const MAX_ATTEMPTS: u32 = 8;

/// Returns the seconds from the `monotonic` clock to the `wall` clock: each call reads one of them.
pub fn measure(monotonic: impl Fn() -> f64, wall: impl Fn() -> f64) -> f64 {
    let (mut best, mut offset) = (f64::INFINITY, 0.0);
    for _ in 0..MAX_ATTEMPTS {
        let before = monotonic();
        let now = wall();
        let after = monotonic();
        let took = after - before;
        if took < best {
            (best, offset) = (took, now - (before + after) / 2.0);
        }
        if best < INTERRUPTED {
            break;
        }
    }
    offset
}
