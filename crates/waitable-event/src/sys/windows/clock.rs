//! Keeps the promise that all threads share one monotonic clock, and that times on the wall clock fit to it.

use std::time::Duration;

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::SystemInformation::{GetSystemTimePreciseAsFileTime, GetTickCount64};

use crate::sys::clock_offset;

/// From the beginning of 1601, where Windows counts from, to that of 1970.
const EPOCH: Duration = Duration::from_secs(11_644_473_600);

/// The number of units of 100 ns, in which Windows counts, in a second.
const UNITS: u64 = 10_000_000;

/// Returns the time on the monotonic clock, which all threads share.
fn monotonic() -> Duration {
    let (mut count, mut frequency) = (0, 1);
    // SAFETY: each call writes one number. Neither fails on the systems that Node runs on.
    unsafe {
        QueryPerformanceCounter(&mut count);
        QueryPerformanceFrequency(&mut frequency);
    }
    let (count, frequency) = (count.unsigned_abs(), frequency.unsigned_abs());
    // In two parts, because the product of count and nanoseconds does not fit. A rest is less than a second.
    let rest = u128::from(count % frequency) * 1_000_000_000 / u128::from(frequency);
    Duration::new(count / frequency, rest as u32)
}

/// Returns seconds on the monotonic clock.
pub fn monotonic_time() -> f64 {
    monotonic().as_secs_f64()
}

/// Returns the time since the epoch.
fn wall_time() -> Duration {
    let mut time = FILETIME::default();
    // SAFETY: the call writes the time.
    unsafe { GetSystemTimePreciseAsFileTime(&mut time) };
    let units = (u64::from(time.dwHighDateTime) << 32) | u64::from(time.dwLowDateTime);
    Duration::new(units / UNITS, (units % UNITS) as u32 * 100).saturating_sub(EPOCH)
}

/// Returns what to add to the monotonic clock to get seconds since the epoch, as the wall clock is set now.
pub fn wall_offset() -> f64 {
    clock_offset::measure(monotonic, wall_time)
}

/// Returns the time on a monotonic clock that moves every few milliseconds, and is cheap to read.
pub fn coarse_now() -> Duration {
    // SAFETY: the call has no arguments.
    Duration::from_millis(unsafe { GetTickCount64() })
}
