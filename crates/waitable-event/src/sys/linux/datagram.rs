//! Keeps the promise that a UDP socket is close-on-exec and non-blocking from the start: `socket()` takes both flags.

use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc::{SO_REUSEADDR, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, c_int, socket};

/// The option by which several sockets have one address.
pub(crate) const SHARED_ADDRESS: c_int = SO_REUSEADDR;

/// Returns a new UDP socket of a family of addresses.
pub(crate) fn datagram_socket(family: c_int) -> nix::Result<OwnedFd> {
    // SAFETY: the call reads no memory.
    let fd = Errno::result(unsafe { socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) })?;
    // SAFETY: it was just made, for this call alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
