//! The numbers of the system's errors that this crate makes or knows. They are those of libuv, without the sign:
//! `errno.h` has them on Unix, and on Windows they are libuv's own (`windows_errno.rs`).

use std::io;

#[cfg(unix)]
pub use libc::{EAGAIN, EBADF, EEXIST, EINVAL, EIO, ENFILE, ENOENT, ENOMEM, ENOSYS, ENOTSUP};

#[cfg(windows)]
pub use super::windows_errno::{
    EAGAIN, EBADF, EEXIST, EINVAL, EIO, ENFILE, ENOENT, ENOMEM, ENOSYS, ENOTSUP, error, number_of,
};

/// Returns the error with this number.
#[cfg(unix)]
pub fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

#[cfg(unix)]
fn number_of(error: &io::Error) -> Option<i32> {
    error.raw_os_error()
}

/// Returns whether an error has this number.
pub fn is(error: &io::Error, number: i32) -> bool {
    number_of(error) == Some(number)
}

/// Returns what a number of the system's is here: zero for none.
pub fn of_system(code: i32) -> i32 {
    if code == 0 { 0 } else { of(&io::Error::from_raw_os_error(code)) }
}

/// Returns the number of an error, or EIO for one that is not the system's.
pub fn of(error: &io::Error) -> i32 {
    number_of(error).unwrap_or(EIO)
}
