//! Keeps the promises that a channel leaves the mode of a pipe as it was, that any number of threads can await one
//! event, and that no report is lost that a poll consumes: /proc/self/fd, fstatfs() and kcmp() tell what is behind a
//! number.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open, readlink};
use nix::libc::{self, O_CLOEXEC, SYS_kcmp, c_int, c_ulong, dup3, syscall};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, SFlag};
use nix::unistd;

use crate::sys::unix::file_status::file_status;

/// Opens the pipe behind `fd` once more, with an open file description of its own.
fn reopen(fd: BorrowedFd<'_>, access: OFlag) -> nix::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    open(path.as_str(), access | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty())
}

/// Returns another read side of a pipe.
pub(crate) fn reopen_reader(fd: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    reopen(fd, OFlag::O_RDONLY)
}

/// Opens a pipe anew, non-blocking and close-on-exec, under the number that it has. Returns false for other files.
pub(crate) fn reopen_pipe(fd: BorrowedFd<'_>) -> nix::Result<bool> {
    if file_status(fd)?.kind != SFlag::S_IFIFO {
        return Ok(false);
    }
    let access = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?) & OFlag::O_ACCMODE;
    let fresh = reopen(fd, access)?;
    // A FIFO that was opened without a writer reports no hang-up of the writers before. So one that has hung up by now
    // keeps its open file.
    if poll(&mut [PollFd::new(fd, PollFlags::empty())], PollTimeout::ZERO)? > 0 {
        return Ok(false);
    }
    // SAFETY: the kernel replaces the file behind a number that the caller owns.
    Errno::result(unsafe { dup3(fresh.as_raw_fd(), fd.as_raw_fd(), O_CLOEXEC) })?;
    Ok(true)
}

/// Returns whether two descriptors of this process share their open file, and so its flags. True where the kernel does
/// not tell.
pub(crate) fn is_same_description(first: RawFd, second: RawFd) -> bool {
    const KCMP_FILE: c_int = 0;
    let pid = unistd::getpid().as_raw();
    // SAFETY: kcmp() compares, and answers EBADF for a number that is not open.
    unsafe { syscall(SYS_kcmp, pid, pid, KCMP_FILE, first as c_ulong, second as c_ulong) <= 0 }
}

/// Returns whether the readiness of `fd` is gone once any thread has polled it.
///
/// These are files of /proc and of control groups. They report an exceptional condition once: pressure triggers
/// (`/proc/pressure`, `*.pressure`), the tables of mounts and of swap areas, and the settings under `/proc/sys`.
pub fn is_consumed_by_polling(fd: RawFd) -> bool {
    const PROC: i128 = 0x9fa0;
    const CGROUP2: i128 = 0x6367_7270;
    let mut filesystem = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the kernel writes the structure, or answers EBADF.
    let kind = unsafe {
        if libc::fstatfs(fd, filesystem.as_mut_ptr()) != 0 {
            return false;
        }
        // Its type differs between C libraries.
        i128::from(filesystem.assume_init().f_type)
    };
    // Only for a few descriptors is the name read.
    (kind == PROC || kind == CGROUP2)
        && readlink(format!("/proc/self/fd/{fd}").as_str()).is_ok_and(|path| names_consumed(&path.to_string_lossy()))
}

fn names_consumed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.starts_with("/proc/pressure/")
        || path.starts_with("/proc/sys/")
        || name.ends_with(".pressure")
        || matches!(name, "mounts" | "mountinfo" | "mountstats" | "swaps")
}
