//! What Linux tells of the file behind a number, and these systems do not: each function returns the answer that is
//! safe not to know better.
//!
//! There is no way to open a pipe anew: `/dev/fd` duplicates. So a channel on a pipe shares the open file, and its
//! mode, with those who had it before, until it closes.

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;

/// Fails. No kqueue counts the ways to a descriptor, so no pipe needs another one.
pub(crate) fn reopen_reader(_fd: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    Err(Errno::EOPNOTSUPP)
}

/// Returns false: the pipe keeps its open file.
pub(crate) fn reopen_pipe(_fd: BorrowedFd<'_>) -> nix::Result<bool> {
    Ok(false)
}

/// Returns true: two descriptors of one file may share their open file.
pub(crate) fn is_same_description(_first: RawFd, _second: RawFd) -> bool {
    true
}

/// Returns false: no file here reports a condition once only.
pub fn is_consumed_by_polling(_fd: RawFd) -> bool {
    false
}
