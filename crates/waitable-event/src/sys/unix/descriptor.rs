//! Keeps the promise that a channel owns its descriptor, and leaves the file as it was: fcntl() duplicates the number,
//! and each duplicate knows whether the file was a blocking one before.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::{FIONREAD, SO_ERROR, SOL_SOCKET, c_int, getsockopt, ioctl, socklen_t};
use nix::sys::stat::SFlag;
use nix::unistd;

use super::file_status::file_status;
use super::nowait;
use super::retry::retry;
use crate::sys::native::{is_same_description, reopen_pipe};

pub use crate::sys::native::is_consumed_by_polling;

/// Locks, also after a panic of another holder: each change is a single call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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

/// The duplicates that are open, by their numbers.
static DUPLICATES: LazyLock<Mutex<HashMap<RawFd, Duplicate>>> = LazyLock::new(Mutex::default);

/// What is known of a duplicate.
struct Duplicate {
    /// The file's device and number. A number whose file is another one by now was closed by foreign code.
    file: (i128, i128),
    /// Whether the open file was a blocking one before this duplicate, or one that is closed by now, was made.
    was_blocking: bool,
}

/// Duplicates `fd`, close-on-exec, and makes its open file description non-blocking, as asyncore.file_dispatcher does.
/// The caller owns the new number, until [`close`].
///
/// A pipe is opened anew where that is possible. Its open file is then private, and so is its flag: nothing changes for
/// those who share the other one, and [`read`] and [`write()`] need no precautions.
pub fn duplicate(fd: RawFd) -> io::Result<RawFd> {
    // SAFETY: fcntl() answers EBADF when the number is not open.
    let fd = unsafe { borrow(fd) }?;
    // The lock keeps two threads from seeing each other's flag.
    let mut duplicates = lock(&DUPLICATES);
    let copy = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(0))?;
    // SAFETY: fcntl() just made it, for this call alone. It is dropped, and so closed, if a later step fails.
    let copy = unsafe { OwnedFd::from_raw_fd(copy) };
    let file = file_status(copy.as_fd())?.identity;
    let was_blocking = if reopen_pipe(copy.as_fd()).unwrap_or(false) {
        nowait::set_private(copy.as_fd());
        false
    } else {
        nowait::forget(copy.as_fd());
        set_non_blocking(copy.as_fd(), true)?
    };
    let number = copy.into_raw_fd();
    duplicates.insert(number, Duplicate { file, was_blocking });
    Ok(number)
}

/// Returns false: a number of a socket is closed as that of any other file.
pub fn close_socket(_fd: RawFd) -> bool {
    false
}

/// Prepares for others that get the descriptor `fd`, a duplicate. From now on its flags are not relied on.
pub fn share(fd: RawFd) {
    // SAFETY: the number is only looked up.
    if let Ok(fd) = unsafe { borrow(fd) } {
        nowait::forget(fd);
    }
}

/// Sets or clears O_NONBLOCK. Returns whether that has changed anything.
fn set_non_blocking(fd: BorrowedFd<'_>, wanted: bool) -> nix::Result<bool> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    if flags.contains(OFlag::O_NONBLOCK) == wanted {
        return Ok(false);
    }
    fcntl(fd, FcntlArg::F_SETFL(flags ^ OFlag::O_NONBLOCK))?;
    Ok(true)
}

/// Reads up to `buffer.len()` bytes, and returns the count; zero is the end of the file. Never blocks: EAGAIN when
/// there is nothing to read.
pub fn read(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the calls answer EBADF when the number is not open.
    let fd = unsafe { borrow(fd) }?;
    retry(|| nowait::read(fd, buffer))
}

/// Writes what fits of `data`, and returns the count. Never blocks: EAGAIN when nothing fits.
pub fn write(fd: RawFd, data: &[u8]) -> io::Result<usize> {
    // SAFETY: the calls answer EBADF when the number is not open.
    let fd = unsafe { borrow(fd) }?;
    retry(|| nowait::write(fd, data))
}

/// Closes a number that [`duplicate`] returned. Its open file becomes a blocking one again, if it was one before, and
/// if no other duplicate needs it.
///
/// A number that foreign code has closed, and that is another file's by now, is left alone.
pub fn close(fd: RawFd) -> io::Result<()> {
    let mut duplicates = lock(&DUPLICATES);
    let Some(Duplicate { file, was_blocking }) = duplicates.remove(&fd) else {
        return Err(Errno::EBADF.into());
    };
    // SAFETY: fstat64() and fcntl() answer EBADF when the number is not open.
    let copy = unsafe { borrow(fd) }?;
    if file_status(copy)?.identity != file {
        return Err(Errno::EBADF.into());
    }
    if was_blocking {
        let heir = duplicates
            .iter_mut()
            .find(|(number, duplicate)| duplicate.file == file && is_same_description(fd, **number));
        match heir {
            Some((_, heir)) => heir.was_blocking = true,
            // Fails for a file that has no flags to set, which keeps nothing from being closed.
            None => drop(set_non_blocking(copy, false)),
        }
    }
    // Never repeated: after EINTR the number is closed all the same.
    match unistd::close(fd) {
        Err(Errno::EINTR) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Returns how many bytes there are to read. Fails for files that do not tell, such as an eventfd.
pub fn unread(fd: RawFd) -> io::Result<usize> {
    let mut count: c_int = 0;
    // SAFETY: the kernel writes one number, and answers EBADF when the descriptor is not open.
    Errno::result(unsafe { ioctl(fd, FIONREAD, &mut count) })?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Returns whether a descriptor can be written and not read, as the write side of a pipe.
pub fn is_write_only(fd: RawFd) -> io::Result<bool> {
    // SAFETY: fcntl() answers EBADF when the number is not open.
    let flags = OFlag::from_bits_retain(fcntl(unsafe { borrow(fd) }?, FcntlArg::F_GETFL)?);
    Ok(flags & OFlag::O_ACCMODE == OFlag::O_WRONLY)
}

/// Returns whether a descriptor stands for a directory.
pub fn is_directory(fd: RawFd) -> io::Result<bool> {
    // SAFETY: fstat64() answers EBADF when the number is not open.
    Ok(file_status(unsafe { borrow(fd) }?)?.kind == SFlag::S_IFDIR)
}

/// Returns the error that waits in a socket, and clears it: zero when there is none. ENOTSOCK for other files.
pub fn consume_error(fd: RawFd) -> io::Result<i32> {
    let (mut error, mut length): (c_int, _) = (0, size_of::<c_int>() as socklen_t);
    // SAFETY: the kernel writes one number and its length, and answers EBADF when the descriptor is not open.
    let result = unsafe { getsockopt(fd, SOL_SOCKET, SO_ERROR, (&raw mut error).cast(), &mut length) };
    Errno::result(result)?;
    Ok(error)
}
