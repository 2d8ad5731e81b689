//! Keeps the promise that reads and writes of sockets never block, whatever the flags of the open file: MSG_DONTWAIT.
//! There is nothing like it for other files (`unix/nowait.rs` polls those first).

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;
use nix::unistd;

/// Reads up to `buffer.len()` bytes, and returns the count.
pub(crate) fn read(fd: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    unistd::read(fd, buffer)
}

/// Writes what fits of `data`, and returns the count.
pub(crate) fn write(fd: impl AsFd, data: &[u8]) -> nix::Result<usize> {
    unistd::write(fd, data)
}

/// Reads as [`read`] does, but fails with EAGAIN where it would block, also when the file is a blocking one. EOPNOTSUPP
/// for what is no socket.
pub(crate) fn read_nowait(fd: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: the kernel writes into the buffer, at most as much as fits.
    count(unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT) })
}

/// Writes as [`write`] does, but fails with EAGAIN where it would block. EOPNOTSUPP as for [`read_nowait`].
pub(crate) fn write_nowait(fd: impl AsFd, data: &[u8]) -> nix::Result<usize> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: the kernel reads from the data, no further than its end.
    count(unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), libc::MSG_DONTWAIT) })
}

fn count(result: isize) -> nix::Result<usize> {
    usize::try_from(result).map_err(|_| match Errno::last() {
        Errno::ENOTSOCK => Errno::EOPNOTSUPP,
        error => error,
    })
}
