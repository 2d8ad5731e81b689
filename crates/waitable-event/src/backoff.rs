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
