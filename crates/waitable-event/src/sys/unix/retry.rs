//! Keeps the promise that a signal fails no call: calls are repeated after EINTR.

use std::io;

use nix::errno::Errno;

/// Repeats `call` for as long as a signal interrupts it.
pub(crate) fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result.map_err(io::Error::from),
        }
    }
}
