//! The errors that this backend makes itself, by the system's numbers. The binding translates them, as it does the
//! system's own.

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_INVALID_HANDLE, ERROR_NOT_FOUND, ERROR_NOT_SUPPORTED, ERROR_TOO_MANY_OPEN_FILES,
    WIN32_ERROR,
};

/// EBADF: the number is no descriptor, or it is not open.
pub(super) const NOT_OPEN: WIN32_ERROR = ERROR_INVALID_HANDLE;
/// EEXIST: the descriptor is a member already.
pub(super) const IS_MEMBER: WIN32_ERROR = ERROR_ALREADY_EXISTS;
/// ENOENT: the descriptor is no member.
pub(super) const NO_MEMBER: WIN32_ERROR = ERROR_NOT_FOUND;
/// EMFILE: there are no numbers left.
pub(super) const TOO_MANY_FILES: WIN32_ERROR = ERROR_TOO_MANY_OPEN_FILES;
/// ENOTSUP: Windows has nothing of the kind.
pub(super) const UNSUPPORTED: WIN32_ERROR = ERROR_NOT_SUPPORTED;

/// Returns the error with this number.
pub(super) fn error(code: WIN32_ERROR) -> io::Error {
    io::Error::from_raw_os_error(code as i32)
}

/// Returns whether an error has this number.
pub(super) fn is(error: &io::Error, code: WIN32_ERROR) -> bool {
    error.raw_os_error() == Some(code as i32)
}

/// Returns the error of the last call, unless that returned a value other than zero.
pub(super) fn check(result: i32) -> io::Result<()> {
    if result == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
