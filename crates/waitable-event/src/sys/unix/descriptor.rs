//! A descriptor of the caller: borrowed for a call, duplicated, read and written.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, readlink};
use nix::libc;
use nix::unistd;

use super::retry::retry;
use super::syscalls;

/// Borrows a number that came from outside. EBADF when it can be no descriptor.
///
/// # Safety
///
/// The result goes to system calls that answer EBADF for a number that is not open, or the caller knows that it stays
/// open.
pub unsafe fn borrow<'a>(fd: RawFd) -> io::Result<BorrowedFd<'a>> {
    if fd < 0 {
        return Err(Errno::EBADF.into());
    }
    // SAFETY: not -1, and the caller's contract.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Returns EBADF for a number that is not open.
pub fn check(fd: RawFd) -> io::Result<()> {
    // SAFETY: fcntl() answers EBADF when the number is not open.
    fcntl(unsafe { borrow(fd) }?, FcntlArg::F_GETFD)?;
    Ok(())
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

/// Duplicates `fd`, close-on-exec, and makes its open file description non-blocking, as asyncore.file_dispatcher does.
/// The caller owns the new number.
pub fn duplicate(fd: RawFd) -> io::Result<RawFd> {
    // SAFETY: fcntl() answers EBADF when the number is not open.
    let fd = unsafe { borrow(fd) }?;
    let copy = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(0))?;
    // SAFETY: fcntl() just made it, for this call alone. It is dropped, and so closed, if the next step fails.
    let copy = unsafe { OwnedFd::from_raw_fd(copy) };
    let flags = OFlag::from_bits_retain(fcntl(&copy, FcntlArg::F_GETFL)?);
    fcntl(&copy, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(copy.into_raw_fd())
}

/// Reads up to `buffer.len()` bytes, and returns the count; zero is the end of the file.
pub fn read(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: read() answers EBADF when the number is not open.
    let fd = unsafe { borrow(fd) }?;
    retry(|| syscalls::read(fd, buffer))
}

/// Writes what fits of `data`, and returns the count.
pub fn write(fd: RawFd, data: &[u8]) -> io::Result<usize> {
    // SAFETY: write() answers EBADF when the number is not open.
    let fd = unsafe { borrow(fd) }?;
    retry(|| syscalls::write(fd, data))
}

/// Closes a number that [`duplicate`] returned. Never repeats the call: after EINTR the number is closed all the same.
pub fn close(fd: RawFd) -> io::Result<()> {
    match unistd::close(fd) {
        Err(Errno::EINTR) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
