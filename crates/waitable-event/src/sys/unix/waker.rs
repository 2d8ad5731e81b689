//! Keeps the promise that any thread, and a signal handler, can end a sleep: by a write to a descriptor that is private
//! to the sleeper.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::libc;

use crate::sys::native::notification;

/// A descriptor that [`Waker::wake`] makes readable, until it is drained.
#[derive(Debug)]
pub(crate) struct Waker {
    reader: OwnedFd,
    /// The side to write to, if it is another: of a pipe.
    writer: Option<OwnedFd>,
}

impl Waker {
    pub(crate) fn new() -> io::Result<Waker> {
        let (reader, writer) = notification()?;
        Ok(Waker { reader, writer })
    }

    /// Returns whether it has a counter, and so never fills up: each call of [`Waker::wake`] is an edge.
    #[cfg_attr(
        any(not(any(target_os = "linux", target_os = "android")), waitable_kqueue_stand_in),
        allow(dead_code, reason = "only an epoll is edge-triggered")
    )]
    pub(crate) fn is_counter(&self) -> bool {
        self.writer.is_none()
    }

    /// Makes the descriptor readable. Async-signal-safe, except that it changes `errno`.
    ///
    /// The write fails only when the counter or the pipe is full, and so readable.
    pub(crate) fn wake(&self) {
        write_to(self.writer.as_ref().unwrap_or(&self.reader).as_raw_fd());
    }

    /// Returns the number to call [`write_to`] with, for a signal handler.
    pub(super) fn writer_fileno(&self) -> i32 {
        self.writer.as_ref().unwrap_or(&self.reader).as_raw_fd()
    }

    /// Makes the descriptor unreadable until the next call of [`Waker::wake`]. There is nothing to read when another
    /// sleep of this thread has done that.
    pub(crate) fn drain(&self) {
        let mut buffer = [0; 512];
        // A short read has emptied it. A counter is read whole: eight bytes.
        while nix::unistd::read(&self.reader, &mut buffer) == Ok(buffer.len()) {}
    }
}

/// Does what [`Waker::wake`] does, for the number of its write side.
pub(super) fn write_to(writer: i32) {
    let one = 1_u64;
    // SAFETY: the kernel reads eight bytes of ours, and answers EBADF for a number that is not open.
    unsafe { libc::write(writer, (&raw const one).cast(), size_of::<u64>()) };
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
