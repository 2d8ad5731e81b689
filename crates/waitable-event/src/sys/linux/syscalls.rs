//! Keeps the promise that reads and writes never block, whatever the flags of the open file: RWF_NOWAIT. Linux has it
//! for pipes (since 6.5) and sockets.
//!
//! `read()`, `write()` and `epoll_wait()` are called without libc's wrappers, which are cancellation points: in a
//! process with threads, entering and leaving them takes 40 of the 610 ns of a `set()` and a `clear()`.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::{ptr, slice};

use nix::errno::Errno;
use nix::libc::{
    RWF_NOWAIT, SYS_epoll_pwait, SYS_preadv2, SYS_pwritev2, SYS_read, SYS_write, c_long, epoll_event, iovec, sigset_t,
    syscall,
};

/// The offset that stands for the position of the file, in the two halves that the kernel wants.
const AT_POSITION: (c_long, c_long) = (-1, -1);

/// Reads up to `buffer.len()` bytes, and returns the count.
pub(crate) fn read(fd: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    // SAFETY: the kernel writes into the buffer, at most as much as fits.
    let result = unsafe { syscall(SYS_read, fd.as_fd().as_raw_fd(), buffer.as_mut_ptr(), buffer.len()) };
    usize::try_from(result).map_err(|_| Errno::last())
}

/// Writes what fits of `data`, and returns the count.
pub(crate) fn write(fd: impl AsFd, data: &[u8]) -> nix::Result<usize> {
    // SAFETY: the kernel reads from the data, no further than its end.
    let result = unsafe { syscall(SYS_write, fd.as_fd().as_raw_fd(), data.as_ptr(), data.len()) };
    usize::try_from(result).map_err(|_| Errno::last())
}

/// Reads as [`read`] does, but fails with EAGAIN where it would block, also when the file is a blocking one. EOPNOTSUPP
/// where the kernel cannot promise that.
pub(crate) fn read_nowait(fd: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    let buffer = iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let (low, high) = AT_POSITION;
    // SAFETY: the kernel writes into the buffer, at most as much as fits.
    let result = unsafe { syscall(SYS_preadv2, fd.as_fd().as_raw_fd(), &buffer, 1, low, high, RWF_NOWAIT) };
    usize::try_from(result).map_err(|_| Errno::last())
}

/// Writes as [`write()`] does, but fails with EAGAIN where it would block. EOPNOTSUPP as for [`read_nowait`].
pub(crate) fn write_nowait(fd: impl AsFd, data: &[u8]) -> nix::Result<usize> {
    let data = iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
    let (low, high) = AT_POSITION;
    // SAFETY: the kernel reads from the data, no further than its end.
    let result = unsafe { syscall(SYS_pwritev2, fd.as_fd().as_raw_fd(), &data, 1, low, high, RWF_NOWAIT) };
    usize::try_from(result).map_err(|_| Errno::last())
}

/// Returns what is ready in `epoll` now, in memory that need not be initialised. Does not sleep.
pub(super) fn epoll_poll(epoll: impl AsFd, events: &mut [MaybeUninit<epoll_event>]) -> nix::Result<&[epoll_event]> {
    let (no_timeout, no_signals) = (0_i32, ptr::null::<sigset_t>());
    // SAFETY: the kernel writes at most so many events. Without signals it does not read the size of their set.
    let result = unsafe {
        let fd = epoll.as_fd().as_raw_fd();
        syscall(SYS_epoll_pwait, fd, events.as_mut_ptr(), events.len(), no_timeout, no_signals, 0_usize)
    };
    let count = usize::try_from(result).map_err(|_| Errno::last())?;
    // SAFETY: the kernel has written so many.
    Ok(unsafe { slice::from_raw_parts(events.as_ptr().cast(), count) })
}
