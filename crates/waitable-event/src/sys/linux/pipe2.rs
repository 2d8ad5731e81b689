//! Keeps the promise that an event never blocks, and is inherited by no program that is started meanwhile: pipe2()
//! makes both sides non-blocking and close-on-exec in one step.

use std::os::fd::OwnedFd;

use nix::fcntl::OFlag;
use nix::unistd;

/// Returns the read side and the write side of a new pipe.
pub(crate) fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
}
