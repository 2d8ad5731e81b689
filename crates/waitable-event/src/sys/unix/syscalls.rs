//! `read()`, `write()` and `epoll_wait()` without libc's wrappers. Those are cancellation points: in a process with
//! threads, entering and leaving them takes 40 of the 610 ns of a `set()` and a `clear()`.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::{ptr, slice};

use nix::errno::Errno;
use nix::libc::{SYS_epoll_pwait, SYS_read, SYS_write, epoll_event, sigset_t, syscall};

/// Reads up to `buffer.len()` bytes, and returns the count.
pub(super) fn read(fd: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    // SAFETY: the kernel writes into the buffer, at most as much as fits.
    let result = unsafe { syscall(SYS_read, fd.as_fd().as_raw_fd(), buffer.as_mut_ptr(), buffer.len()) };
    usize::try_from(result).map_err(|_| Errno::last())
}

/// Writes what fits of `data`, and returns the count.
pub(super) fn write(fd: impl AsFd, data: &[u8]) -> nix::Result<usize> {
    // SAFETY: the kernel reads from the data, no further than its end.
    let result = unsafe { syscall(SYS_write, fd.as_fd().as_raw_fd(), data.as_ptr(), data.len()) };
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
