//! The clocks.

use napi_derive::napi;
use waitable_event::sys;

/// Returns milliseconds on the monotonic clock, which all threads share.
#[napi]
pub fn monotonic_time() -> f64 {
    sys::monotonic_time() * 1e3
}

/// Returns what to add to the monotonic clock to get milliseconds since the epoch.
#[napi]
pub fn wall_offset() -> f64 {
    sys::wall_offset() * 1e3
}
