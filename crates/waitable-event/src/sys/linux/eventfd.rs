//! Keeps the promise that a sleeper can be woken with one descriptor: an eventfd, which is readable while its counter
//! is not zero.

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::pipe2::pipe;

/// Returns a descriptor that is readable once eight bytes were written, and the one to write to if that is another: a
/// pipe, where a filter of system calls has no eventfd.
pub(crate) fn notification() -> io::Result<(OwnedFd, Option<OwnedFd>)> {
    match EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK) {
        Ok(eventfd) => Ok((eventfd.into(), None)),
        Err(Errno::ENOSYS | Errno::EPERM) => {
            let (reader, writer) = pipe()?;
            Ok((reader, Some(writer)))
        }
        Err(error) => Err(error.into()),
    }
}
