//! The numbers of the system's errors that this crate makes or knows: `libc` is asked for them here alone.

use std::io;

pub use libc::{EAGAIN, EBADF, EEXIST, EINVAL, EIO, ENFILE, ENOENT, ENOMEM, ENOSYS, ENOTSUP};

/// Returns the error with this number.
pub fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

/// Returns whether an error has this number.
pub fn is(error: &io::Error, number: i32) -> bool {
    error.raw_os_error() == Some(number)
}

/// Returns the number of an error, or EIO for one that is not the system's.
pub fn of(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(EIO)
}
