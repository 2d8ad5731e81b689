//! A notification that is private to one sleeper: an eventfd.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// A descriptor that [`Waker::wake`] writes to. A sleeper that watches it edge-triggered never reads it: every write is
/// an edge. One that polls it drains it.
#[derive(Debug)]
pub(crate) struct Waker(EventFd);

impl Waker {
    pub(crate) fn new() -> io::Result<Waker> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Waker(EventFd::from_value_and_flags(0, flags)?))
    }

    /// Makes an edge. The write fails only when the counter is full, after 2^64 - 2 edges, or when the descriptor is
    /// closed; it is open for as long as this lives.
    pub(crate) fn wake(&self) {
        let _ = self.0.write(1);
    }

    /// Makes the descriptor unreadable until the next call of [`Waker::wake`]. There is nothing to read when another
    /// sleep of this thread has done that.
    pub(crate) fn drain(&self) {
        let _ = self.0.read();
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
