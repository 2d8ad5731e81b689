//! Keeps the promise that a blocked wait is neither early nor late by more than the kernel's own delay, whatever
//! signals interrupt it: ppoll(), which has no limit on descriptor numbers, and a timeout in nanoseconds. (Not macOS.)

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollTimeout, poll, ppoll};
use nix::sys::time::TimeSpec;

use super::retry::retry;
use crate::deadline::Deadline;

/// Sleeps until one of `fds` is ready, and returns how many are: zero when `deadline` passed first.
///
/// A signal handler, SIGSTOP and SIGCONT may interrupt it; the sleep continues with the rest of the time. Zero is
/// returned only when the clock says that the deadline has passed.
///
/// # Errors
///
/// Those of ppoll(): EINVAL for more descriptors than RLIMIT_NOFILE, ENOMEM.
pub fn sleep(fds: &mut [PollFd<'_>], deadline: Deadline) -> io::Result<usize> {
    loop {
        let remaining = deadline.remaining();
        match ppoll(fds, remaining.map(timespec), None) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(0) if !deadline.has_passed() => {}
            Ok(count) => return Ok(usize::try_from(count).unwrap_or(0)),
        }
    }
}

/// Finds out which of `fds` are ready now, and returns how many are. Does not sleep.
pub(crate) fn poll_now(fds: &mut [PollFd<'_>]) -> io::Result<usize> {
    retry(|| poll(fds, PollTimeout::ZERO)).map(|count| usize::try_from(count).unwrap_or(0))
}

/// Returns `duration`, or as much of it as the kernel's clock type holds; the caller's loop sleeps the rest.
fn timespec(duration: Duration) -> TimeSpec {
    const LONGEST: Duration = Duration::from_secs(i32::MAX as u64);
    TimeSpec::from_duration(duration.min(LONGEST))
}
