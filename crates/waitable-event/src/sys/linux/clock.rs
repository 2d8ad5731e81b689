//! Keeps the promise that a clock can be read in every round of a spin: CLOCK_MONOTONIC_COARSE costs 8 ns to read, the
//! exact clock 40 ns.

use nix::time::ClockId;

/// A monotonic clock that moves every few milliseconds, and is cheap to read.
pub(crate) const COARSE: ClockId = ClockId::CLOCK_MONOTONIC_COARSE;
