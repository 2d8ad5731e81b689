//! Keeps the promise that no task on the wall clock is early: what to add to the monotonic clock to get the time on the
//! wall clock, as it is set now.
//!
//! The wall clock is read between two readings of the monotonic clock, which gives bounds for the offset. The offset
//! itself changes only when the wall clock is set. So a new measurement makes the bounds of the earlier ones narrower,
//! or it excludes them: then the clock was set. (Where the clocks drift apart, that looks the same.)
//!
//! What is returned is the lower bound, which only rises until the clock is set. A time that it gives is never ahead of
//! the wall clock, and never goes back. A task that is due by an earlier bound is not early by a later one.

use std::cell::Cell;
use std::time::Duration;

/// A measurement that took longer than this, in nanoseconds, is repeated: the thread lost its core in the middle of it.
const INTERRUPTED: i128 = 20_000;

/// The number of measurements at most; the best one counts.
const MAX_ATTEMPTS: u32 = 8;

/// How far a reading may be behind its clock, in nanoseconds. Some systems count in microseconds.
const RESOLUTION: i128 = 1000;

thread_local! {
    static KNOWN: Cell<Option<Bounds>> = const { Cell::new(None) };
}

/// Returns the seconds from the `monotonic` clock to the `wall` clock: each call reads one of them. A thread measures
/// the same two clocks each time.
pub fn measure(monotonic: impl Fn() -> Duration, wall: impl Fn() -> Duration) -> f64 {
    let newer = Bounds::measure(monotonic, wall);
    let bounds = KNOWN.get().map_or(newer, |known| known.narrowed_by(newer));
    KNOWN.set(Some(bounds));
    // Rounded to 0.2 µs, which is less than the resolution that the bounds allow for.
    bounds.least as f64 / 1e9
}

/// Between which two numbers of nanoseconds the offset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    least: i128,
    most: i128,
}

impl Bounds {
    fn measure(monotonic: impl Fn() -> Duration, wall: impl Fn() -> Duration) -> Bounds {
        let mut best: Option<Bounds> = None;
        for _ in 0..MAX_ATTEMPTS {
            let [before, now, after] = [monotonic(), wall(), monotonic()].map(|time| time.as_nanos() as i128);
            let bounds = Bounds { least: now - after - RESOLUTION, most: now - before + RESOLUTION };
            if best.is_none_or(|best| bounds.width() < best.width()) {
                best = Some(bounds);
            }
            if bounds.width() < INTERRUPTED + 2 * RESOLUTION {
                break;
            }
        }
        // There is at least one attempt.
        best.unwrap_or(Bounds { least: 0, most: 0 })
    }

    fn width(self) -> i128 {
        self.most - self.least
    }

    /// Returns what both measurements allow, or the newer one if they exclude each other.
    fn narrowed_by(self, newer: Bounds) -> Bounds {
        let both = Bounds { least: self.least.max(newer.least), most: self.most.min(newer.most) };
        if both.least <= both.most { both } else { newer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two clocks of which each reading takes the next time in a list, in nanoseconds, over and over.
    struct Clocks {
        now: Cell<u64>,
        offset: Cell<u64>,
        delays: Vec<u64>,
        reads: Cell<usize>,
    }

    impl Clocks {
        fn new(delays: &[u64]) -> Clocks {
            let offset = 1_800_000_000_000_000_000;
            Clocks { now: Cell::new(5), offset: Cell::new(offset), delays: delays.to_vec(), reads: Cell::new(0) }
        }

        fn read(&self, offset: u64) -> Duration {
            let reads = self.reads.replace(self.reads.get() + 1);
            self.now.set(self.now.get() + self.delays[reads % self.delays.len()]);
            Duration::from_nanos(self.now.get() + offset)
        }

        fn bounds(&self) -> Bounds {
            Bounds::measure(|| self.read(0), || self.read(self.offset.get()))
        }
    }

    #[test]
    fn the_lower_bound_never_falls_while_the_clock_is_not_set() {
        // The thread is interrupted at other places each time.
        let clocks = Clocks::new(&[40, 9000, 50, 30, 7, 12_000, 19_000, 100, 60, 3]);
        let mut known = clocks.bounds();
        for _ in 0..100 {
            let newer = known.narrowed_by(clocks.bounds());
            assert!(newer.least >= known.least, "{newer:?} after {known:?}");
            assert!(newer.least <= i128::from(clocks.offset.get()), "{newer:?}");
            assert!(newer.most >= i128::from(clocks.offset.get()), "{newer:?}");
            known = newer;
        }
        assert!(known.width() < 3 * RESOLUTION, "{known:?}");
    }

    #[test]
    fn a_clock_that_is_set_is_followed_forward_and_back() {
        let clocks = Clocks::new(&[40, 50, 60]);
        for step in [-3_000_000_i64, 7_000, -7_000, 3_600_000_000_000] {
            let known = clocks.bounds();
            clocks.offset.set(clocks.offset.get().wrapping_add_signed(step));
            let newer = known.narrowed_by(clocks.bounds());
            let below = i128::from(clocks.offset.get()) - newer.least;
            assert!((0..2 * RESOLUTION).contains(&below), "{step}: {newer:?}");
        }
    }

    #[test]
    fn a_measurement_that_was_interrupted_is_repeated() {
        let clocks = Clocks::new(&[10, 500_000, 10, 10, 10, 10]);
        assert!(clocks.bounds().width() < INTERRUPTED);
        assert_eq!(clocks.reads.get(), 6);
        let clocks = Clocks::new(&[500_000]);
        assert_eq!(clocks.bounds().width(), 1_000_000 + 2 * RESOLUTION);
    }

    #[test]
    fn a_thread_gets_the_same_offset_again() {
        let clocks = Clocks::new(&[40, 9000, 50, 30, 7, 12_000, 19_000, 100, 60, 3]);
        let measure = || measure(|| clocks.read(0), || clocks.read(clocks.offset.get()));
        let mut last = measure();
        for _ in 0..100 {
            let offset = measure();
            assert!(offset >= last);
            last = offset;
        }
        assert!((clocks.offset.get() as f64 / 1e9 - last) < 3e-6);
    }
}
