//! The one place where a thread sleeps in the kernel.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, ppoll};
use nix::sys::time::TimeSpec;

use crate::Deadline;

/// Sleeps until one of `fds` is ready (the count of them is returned) or `deadline` (zero).
///
/// ppoll(): no limit on descriptor numbers, and a timeout in nanoseconds. A signal handler, SIGSTOP
/// and SIGCONT may interrupt it; it goes on with what is left of the time, and zero is
/// returned only when the clock itself says that the deadline has come.
///
/// # Errors
///
/// What ppoll() says of its arguments: EINVAL for more descriptors than RLIMIT_NOFILE, ENOMEM.
pub fn sleep(fds: &mut [PollFd<'_>], deadline: Deadline) -> io::Result<usize> {
    loop {
        let remaining = deadline.remaining();
        match ppoll(fds, remaining.map(timespec), None) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(0) if !deadline.has_come() => {}
            Ok(count) => return Ok(usize::try_from(count).unwrap_or(0)),
        }
    }
}

/// `duration`, or as much of it as the kernel's clock type holds; the caller's loop sleeps the rest.
fn timespec(duration: Duration) -> TimeSpec {
    const LONGEST: Duration = Duration::from_secs(i32::MAX as u64);
    TimeSpec::from_duration(duration.min(LONGEST))
}
