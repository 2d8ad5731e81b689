//! Keeps the promise that a channel leaves the mode of a file as it was, as far as the system tells what is behind a
//! number: where it does not, each function returns the answer that is safe not to know better.
//!
//! There is no way to open a pipe anew: `/dev/fd` duplicates. So a channel on a pipe shares the open file, and its
//! mode, with those who had it before, until it closes.

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};

/// Fails. No kqueue counts the ways to a descriptor, so no pipe needs another one.
pub(crate) fn reopen_reader(_fd: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    Err(Errno::EOPNOTSUPP)
}

/// Returns false: the pipe keeps its open file.
pub(crate) fn reopen_pipe(_fd: BorrowedFd<'_>) -> nix::Result<bool> {
    Ok(false)
}

/// Returns whether two descriptors of this process share their open file, and so its flags: a flag is changed by one
/// number, looked up by the other, and changed back. It is one that means nothing to the file: O_NONBLOCK to a regular
/// file, O_APPEND to others. True where the system does not tell.
pub(crate) fn is_same_description(first: RawFd, second: RawFd) -> bool {
    shares_flags(first, second).unwrap_or(true)
}

fn shares_flags(first: RawFd, second: RawFd) -> nix::Result<bool> {
    // SAFETY: both go to fcntl() and fstat() alone, which answer EBADF for a number that is not open.
    let (first, second) = unsafe { (BorrowedFd::borrow_raw(first), BorrowedFd::borrow_raw(second)) };
    let is_file = SFlag::from_bits_truncate(fstat(first)?.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
    let flag = if is_file { OFlag::O_NONBLOCK } else { OFlag::O_APPEND };
    let flags = |fd| fcntl(fd, FcntlArg::F_GETFL).map(OFlag::from_bits_retain);
    let (of_first, of_second) = (flags(first)?, flags(second)?);
    fcntl(first, FcntlArg::F_SETFL(of_first ^ flag))?;
    let changed = flags(second);
    fcntl(first, FcntlArg::F_SETFL(of_first))?;
    Ok(changed? != of_second)
}

/// Returns false: no file here reports a condition once only.
pub fn is_consumed_by_polling(_fd: RawFd) -> bool {
    false
}
