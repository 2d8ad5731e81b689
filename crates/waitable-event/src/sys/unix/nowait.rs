//! Keeps the promise that reads and writes never block, whatever the flags of the open file say: by calls that ask for
//! that themselves, or by a poll before the call.
//!
//! O_NONBLOCK belongs to the open file, which other processes share: libuv clears it in a child for each descriptor of
//! its stdio. So a call that must not block asks for that itself: with RWF_NOWAIT on Linux, and with MSG_DONTWAIT for
//! sockets elsewhere. Where a file has no such calls (FIFOs, terminals, inotify), the flag of the file is read, and a
//! file that blocks is polled first. Only another reader or writer of the same file, between the poll and the call,
//! can then make the call block.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicU8, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::PIPE_BUF;
use nix::poll::{PollFd, PollFlags};
use nix::sys::stat::SFlag;
use nix::unistd::isatty;

use super::file_status::file_status;
use crate::sys::native::{poll_now, read as read_plainly, read_nowait, write as write_plainly, write_nowait};

/// The number of bytes that one write to a blocking terminal or FIFO takes at most. The rest is the next call's.
const WRITE_LIMIT: usize = 1 << 16;

/// What is known of the files behind descriptor numbers. It saves system calls. Numbers above have nothing known of
/// them.
static KNOWN: [AtomicU8; 1 << 16] = [const { AtomicU8::new(0) }; 1 << 16];

/// The file has no calls that never block.
const UNSUPPORTED: u8 = 1;
/// The open file is a non-blocking one that is shared with no other process.
const PRIVATE: u8 = 2;

fn known(fd: BorrowedFd<'_>) -> Option<&'static AtomicU8> {
    KNOWN.get(usize::try_from(fd.as_raw_fd()).ok()?)
}

fn is_known(fd: BorrowedFd<'_>, bit: u8) -> bool {
    known(fd).is_some_and(|known| known.load(Ordering::Relaxed) & bit != 0)
}

/// Forgets what is known of a descriptor number, which stands for another file now.
pub(super) fn forget(fd: BorrowedFd<'_>) {
    if let Some(known) = known(fd) {
        known.store(0, Ordering::Relaxed);
    }
}

/// Notes that the open file of `fd` is a non-blocking one that is shared with no other process, so that its flag can be
/// relied on.
pub(super) fn set_private(fd: BorrowedFd<'_>) {
    if let Some(known) = known(fd) {
        known.store(PRIVATE, Ordering::Relaxed);
    }
}

fn note_unsupported(fd: BorrowedFd<'_>) {
    if let Some(known) = known(fd) {
        known.fetch_or(UNSUPPORTED, Ordering::Relaxed);
    }
}

/// Reads up to `buffer.len()` bytes, and returns the count. EAGAIN when the call would block.
pub(super) fn read(fd: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    let fd = fd.as_fd();
    if is_known(fd, PRIVATE) {
        return read_plainly(fd, buffer);
    }
    if !is_known(fd, UNSUPPORTED) {
        match read_nowait(fd, buffer) {
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EPERM) => note_unsupported(fd),
            // A regular file says that its data is on the disk. Waiting for a disk is not blocking.
            Err(Errno::EAGAIN) if is_file(fd) => return read_plainly(fd, buffer),
            result => return result,
        }
    }
    if is_blocking(fd)? && !is_ready(fd, PollFlags::POLLIN)? {
        return Err(Errno::EAGAIN);
    }
    read_plainly(fd, buffer)
}

/// Writes what fits of `data`, and returns the count. EAGAIN when the call would block.
pub(super) fn write(fd: impl AsFd, data: &[u8]) -> nix::Result<usize> {
    let fd = fd.as_fd();
    if is_known(fd, PRIVATE) {
        return write_plainly(fd, data);
    }
    if !is_known(fd, UNSUPPORTED) {
        match write_nowait(fd, data) {
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EPERM) => note_unsupported(fd),
            Err(Errno::EAGAIN) if is_file(fd) => return write_plainly(fd, data),
            result => return result,
        }
    }
    if data.is_empty() || !is_blocking(fd)? {
        return write_plainly(fd, data);
    }
    let step = step_of(fd, data)?;
    let mut written = 0;
    for chunk in data[..data.len().min(WRITE_LIMIT)].chunks(step) {
        let result = match is_ready(fd, PollFlags::POLLOUT) {
            Ok(true) => write_plainly(fd, chunk),
            Ok(false) => Err(Errno::EAGAIN),
            Err(error) => Err(error),
        };
        match result {
            Ok(count) => written += count,
            // The next call meets the error again.
            Err(_) if written > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// Returns how many bytes POLLOUT promises room for: PIPE_BUF in a FIFO, one in a terminal. Other files take the whole.
fn step_of(fd: BorrowedFd<'_>, data: &[u8]) -> nix::Result<usize> {
    Ok(match file_status(fd)?.kind {
        SFlag::S_IFIFO => PIPE_BUF,
        SFlag::S_IFCHR if isatty(fd).unwrap_or(false) => 1,
        _ => data.len(),
    })
}

fn is_file(fd: BorrowedFd<'_>) -> bool {
    file_status(fd).is_ok_and(|status| status.kind == SFlag::S_IFREG || status.kind == SFlag::S_IFBLK)
}

fn is_blocking(fd: BorrowedFd<'_>) -> nix::Result<bool> {
    Ok(!OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?).contains(OFlag::O_NONBLOCK))
}

fn is_ready(fd: BorrowedFd<'_>, flags: PollFlags) -> nix::Result<bool> {
    // An end or an error is ready, too: the call then returns it.
    let count = poll_now(&mut [PollFd::new(fd, flags)]);
    count.map(|count| count > 0).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32)))
}
