//! Keeps the promise that a clock can be read in every round of a spin: CLOCK_MONOTONIC_RAW_APPROX (macOS) and
//! CLOCK_MONOTONIC_FAST (FreeBSD) read what the last tick has stored.

use nix::libc;
use nix::time::ClockId;

#[cfg(target_vendor = "apple")]
const NUMBER: libc::clockid_t = libc::CLOCK_MONOTONIC_RAW_APPROX;
#[cfg(target_os = "freebsd")]
const NUMBER: libc::clockid_t = libc::CLOCK_MONOTONIC_FAST;
#[cfg(waitable_kqueue_stand_in)]
const NUMBER: libc::clockid_t = libc::CLOCK_MONOTONIC_COARSE;

/// A monotonic clock that moves every few milliseconds, and is cheap to read.
pub(crate) const COARSE: ClockId = ClockId::from_raw(NUMBER);
