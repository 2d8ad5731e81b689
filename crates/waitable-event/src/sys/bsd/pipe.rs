//! Keeps the promises that an event never blocks and that a sleeper can be woken: pipes. FreeBSD has pipe2(). On macOS
//! each side is made non-blocking and close-on-exec after pipe(); a program that another thread starts in between gets
//! neither, because libuv starts programs with POSIX_SPAWN_CLOEXEC_DEFAULT there.
//!
//! Sleepers are woken by a pipe as well, and not by EVFILT_USER: a pipe can be polled, and written to by a signal
//! handler.

use std::io;
use std::os::fd::OwnedFd;

use nix::unistd;

/// Returns the read side and the write side of a new pipe.
#[cfg(target_os = "freebsd")]
pub(crate) fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    use nix::fcntl::OFlag;
    unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
}

/// Returns the read side and the write side of a new pipe.
#[cfg(not(target_os = "freebsd"))]
pub(crate) fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
    let (reader, writer) = unistd::pipe()?;
    for fd in [&reader, &writer] {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        // A new pipe has no other flags to keep.
        fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    }
    Ok((reader, writer))
}

/// Returns a descriptor that is readable once eight bytes were written to the other one.
pub(crate) fn notification() -> io::Result<(OwnedFd, Option<OwnedFd>)> {
    let (reader, writer) = pipe()?;
    Ok((reader, Some(writer)))
}
