//! What can go wrong.

use std::{fmt, io};

/// Why an operation on an event did not happen.
#[derive(Debug)]
pub enum Error {
    /// The event is closed. A blocked waiter gets this too when another thread closes its event.
    Closed,
    /// The wait was given up because its thread is being ended.
    Interrupted,
    /// No live event has this handle.
    InvalidHandle,
    /// The operating system refused.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Closed => formatter.write_str("the event is closed"),
            Error::Interrupted => formatter.write_str("the waiting thread is being ended"),
            Error::InvalidHandle => formatter.write_str("no live event has this handle"),
            Error::Io(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}
