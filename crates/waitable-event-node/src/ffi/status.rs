//! How a result crosses into JavaScript: as one number.

use super::errno;
use std::io;

use waitable_event::Error;

/// The event is closed.
pub const CLOSED: i32 = -10_001;
/// The thread is being ended: a JavaScript exception is pending, or JavaScript can no longer run.
pub const INTERRUPTED: i32 = -10_002;
/// No live event has this handle.
pub const INVALID_HANDLE: i32 = -10_003;
/// The environment has not been initialised, or is being torn down.
pub const NO_ENVIRONMENT: i32 = -10_004;

/// A table of numbers is full.
pub const FULL: i32 = -errno::ENFILE;

/// No poller, or no reactor, has this number.
pub const NO_POLLER: i32 = -errno::EBADF;

/// Returns the status of an error.
pub fn of_error(error: &Error) -> i32 {
    match error {
        Error::Closed => CLOSED,
        Error::Interrupted => INTERRUPTED,
        Error::InvalidHandle => INVALID_HANDLE,
        Error::Io(error) => of_io_error(error),
    }
}

/// Returns the status of a system error: `-errno`.
pub fn of_io_error(error: &io::Error) -> i32 {
    -errno::of(error)
}

/// Returns the status of a result whose value is a number.
pub fn of<T: Into<i32>>(result: Result<T, Error>) -> i32 {
    result.map_or_else(|error| of_error(&error), Into::into)
}

/// Returns the status of a result without a value: 0 for success.
pub fn of_unit(result: Result<(), Error>) -> i32 {
    result.map_or_else(|error| of_error(&error), |()| 0)
}

/// Returns the status of a system call without a value: 0 for success.
pub fn of_io_unit(result: io::Result<()>) -> i32 {
    result.map_or_else(|error| of_io_error(&error), |()| 0)
}

/// Returns the status of a system call that returns a count.
pub fn of_io_count(result: io::Result<usize>) -> i32 {
    result.map_or_else(|error| of_io_error(&error), of_count)
}

/// Returns a count as a status.
pub fn of_count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Returns a number of a `NumberTable`, which has 31 bits, as a status.
pub fn of_number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(FULL)
}
