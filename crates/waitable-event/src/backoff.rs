//! Attempts that become rarer while they fail.
//!
//! After a failure the next attempt is skipped, after the second one in a row the next three, then seven, … 255. One
//! success resets that.

use std::cell::Cell;

/// The highest number of attempts that are skipped after failures in a row.
const MAX_SKIPS: u32 = 255;

/// Decides when to try something that helps only at times.
#[derive(Debug, Default)]
pub struct Backoff {
    /// How many attempts to skip from now on.
    skips: Cell<u32>,
    /// How many attempts were skipped after the last failure.
    penalty: Cell<u32>,
}

impl Backoff {
    /// Returns one without a history.
    pub const fn new() -> Backoff {
        Backoff { skips: Cell::new(0), penalty: Cell::new(0) }
    }

    /// Returns whether to try this time. Call it once for each occasion: it counts those that are skipped.
    pub fn should_try(&self) -> bool {
        let skips = self.skips.get();
        self.skips.set(skips.saturating_sub(1));
        skips == 0
    }

    /// Notes how an attempt went.
    pub fn record(&self, has_helped: bool) {
        let penalty = if has_helped { 0 } else { (self.penalty.get() * 2 + 1).min(MAX_SKIPS) };
        self.penalty.set(penalty);
        self.skips.set(penalty);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many attempts are skipped before the next one.
    fn skipped(backoff: &Backoff) -> u32 {
        (0..).take_while(|_| !backoff.should_try()).count() as u32
    }

    #[test]
    fn the_first_attempt_is_made_and_so_is_each_after_a_success() {
        let backoff = Backoff::new();
        for _ in 0..5 {
            assert_eq!(skipped(&backoff), 0);
            backoff.record(true);
        }
    }

    #[test]
    fn failures_in_a_row_skip_more_and_more_attempts_up_to_a_limit() {
        let backoff = Backoff::new();
        assert_eq!(skipped(&backoff), 0);
        for expected in [1, 3, 7, 15, 31, 63, 127, 255, 255] {
            backoff.record(false);
            assert_eq!(skipped(&backoff), expected);
        }
    }

    #[test]
    fn one_success_ends_that_and_the_next_failure_begins_anew() {
        let backoff = Backoff::new();
        for _ in 0..20 {
            backoff.record(false);
        }
        assert_eq!(skipped(&backoff), MAX_SKIPS);
        backoff.record(true);
        assert_eq!(skipped(&backoff), 0);
        backoff.record(false);
        assert_eq!(skipped(&backoff), 1);
    }

    #[test]
    fn an_attempt_whose_outcome_is_not_recorded_is_made_again() {
        // Such as one that has failed with an error.
        let backoff = Backoff::new();
        backoff.record(false);
        assert_eq!((skipped(&backoff), skipped(&backoff)), (1, 0));
    }
}
