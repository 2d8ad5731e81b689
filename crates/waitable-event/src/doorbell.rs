//! How an event is seen from outside: by a pipe, or a model of one.

use std::io;

/// The mirror of the state word for those who have a file descriptor only: a pipe, or a model of one.
pub trait Doorbell {
    /// Notifies the doorbell. Does nothing more when it is notified already. Never blocks.
    fn notify(&self) -> io::Result<()>;
    /// Drains the doorbell, and returns whether it was notified. Never blocks.
    fn drain(&self) -> io::Result<bool>;
    /// Returns whether the doorbell is notified and not drained yet.
    fn is_notified(&self) -> io::Result<bool>;
}
