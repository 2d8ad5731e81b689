//! Keeps the promise that all threads share one monotonic clock, and that times on the wall clock fit to it.

use std::time::Duration;

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::SystemInformation::{GetSystemTimePreciseAsFileTime, GetTickCount64};

use crate::sys::clock_offset;

/// The seconds from the beginning of 1601, where Windows counts from, to that of 1970.
const EPOCH: f64 = 11_644_473_600.0;

/// Returns seconds on the monotonic clock, which all threads share.
pub fn monotonic_time() -> f64 {
    let (mut count, mut frequency) = (0, 1);
    // SAFETY: each call writes one number. Neither fails on the systems that Node runs on.
    unsafe {
        QueryPerformanceCounter(&mut count);
        QueryPerformanceFrequency(&mut frequency);
    }
    // In two parts: a count since the start of the system has more digits than a double.
    (count / frequency) as f64 + (count % frequency) as f64 / frequency as f64
}

/// Returns seconds since the epoch.
fn wall_time() -> f64 {
    let mut time = FILETIME::default();
    // SAFETY: the call writes the time.
    unsafe { GetSystemTimePreciseAsFileTime(&mut time) };
    let units = (u64::from(time.dwHighDateTime) << 32) | u64::from(time.dwLowDateTime);
    units as f64 / 1e7 - EPOCH
}

/// Returns what to add to the monotonic clock to get seconds since the epoch, as the wall clock is set now.
pub fn wall_offset() -> f64 {
    clock_offset::measure(monotonic_time, wall_time)
}

/// Returns the time on a monotonic clock that moves every few milliseconds, and is cheap to read.
pub fn coarse_now() -> Duration {
    // SAFETY: the call has no arguments.
    Duration::from_millis(unsafe { GetTickCount64() })
}
