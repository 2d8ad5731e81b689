//! How a result crosses into JavaScript: as one number.

use std::io;

use waitable_event::Error;

/// The event is closed.
pub const CLOSED: i32 = -10_001;
/// The thread is being ended; a JavaScript exception is pending, or there is no JavaScript any more.
pub const INTERRUPTED: i32 = -10_002;
/// No live event has this handle.
pub const INVALID_HANDLE: i32 = -10_003;
/// The environment has not been initialised, or is being torn down.
pub const NO_ENVIRONMENT: i32 = -10_004;

/// The status of an error.
pub fn of_error(error: &Error) -> i32 {
    match error {
        Error::Closed => CLOSED,
        Error::Interrupted => INTERRUPTED,
        Error::InvalidHandle => INVALID_HANDLE,
        Error::Io(error) => of_io(error),
    }
}

/// The status of a system error: `-errno`.
pub fn of_io(error: &io::Error) -> i32 {
    -error.raw_os_error().unwrap_or(libc::EIO)
}

/// The status of a result whose value is a number.
pub fn of<T: Into<i32>>(result: Result<T, Error>) -> i32 {
    result.map_or_else(|error| of_error(&error), Into::into)
}

/// The status of a result without a value: 0 when all went well.
pub fn of_unit(result: Result<(), Error>) -> i32 {
    result.map_or_else(|error| of_error(&error), |()| 0)
}

/// The status of a count, an index or a descriptor.
pub fn of_count(result: io::Result<usize>) -> i32 {
    result.map_or_else(|error| of_io(&error), |count| i32::try_from(count).unwrap_or(i32::MAX))
}
