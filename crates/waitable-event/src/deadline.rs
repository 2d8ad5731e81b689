//! Timeouts as deadlines on the monotonic clock.

use std::time::{Duration, Instant};

/// The moment at which a wait gives up, or never.
///
/// A deadline is computed once, before anything waits. So an interrupted system call continues with the rest of the
/// time (as in PEP 475), and steps of the wall clock change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// A deadline that never comes.
    pub const NEVER: Deadline = Deadline(None);

    /// Returns the deadline `timeout` from now. `None`, and a timeout past the clock's range, never come.
    pub fn after(timeout: Option<Duration>) -> Deadline {
        Deadline(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Returns the deadline `milliseconds` from now; fractions count. `INFINITY`, and numbers past the clock's range,
    /// never come. Zero, negative numbers and NaN are due immediately.
    pub fn after_millis(milliseconds: f64) -> Deadline {
        if milliseconds.is_nan() || milliseconds <= 0.0 {
            return Deadline::after(Some(Duration::ZERO));
        }
        Deadline::after(Duration::try_from_secs_f64(milliseconds / 1e3).ok())
    }

    /// Returns the time until the deadline: `None` if it never comes, zero when it has passed.
    pub fn remaining(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Returns whether the deadline has passed. It reads the clock, so it is never early.
    pub fn has_passed(self) -> bool {
        self.0.is_some_and(|at| Instant::now() >= at)
    }

    /// Returns the earlier one of two deadlines.
    pub fn earlier(self, other: Deadline) -> Deadline {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Deadline(Some(a.min(b))),
            (a, b) => Deadline(a.or(b)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn infinite_and_absurd_timeouts_never_come() {
        // The clock of Windows reaches twice as far as that of Unix.
        for milliseconds in [f64::INFINITY, f64::MAX, 1e300, 1.9e22] {
            assert_eq!(Deadline::after_millis(milliseconds), Deadline::NEVER, "{milliseconds} ms");
        }
        assert_eq!(Deadline::after(Some(Duration::MAX)), Deadline::NEVER);
        assert!(!Deadline::NEVER.has_passed());
    }

    #[test]
    fn zero_negative_and_nan_are_due_immediately() {
        for milliseconds in [0.0, -0.0, -1.0, f64::NEG_INFINITY, f64::NAN] {
            assert!(Deadline::after_millis(milliseconds).has_passed(), "{milliseconds} ms");
        }
    }

    #[test]
    fn fractions_and_years_are_kept() {
        let fraction = Deadline::after_millis(0.25).remaining().unwrap_or(Duration::MAX);
        assert!(fraction <= Duration::from_micros(250));
        let year = Deadline::after_millis(3.2e10).remaining().unwrap_or(Duration::ZERO);
        assert!(year > Duration::from_millis(31_999_000_000));
    }

    #[test]
    fn the_earlier_of_two() {
        let soon = Deadline::after_millis(1.0);
        let late = Deadline::after_millis(1e6);
        assert_eq!(soon.earlier(late), soon);
        assert_eq!(late.earlier(soon), soon);
        assert_eq!(soon.earlier(Deadline::NEVER), soon);
        assert_eq!(Deadline::NEVER.earlier(soon), soon);
    }
}
