//! System calls that a signal interrupts.

use std::io;

use nix::errno::Errno;

/// Repeats `call` for as long as a signal interrupts it.
pub(super) fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result.map_err(io::Error::from),
        }
    }
}
