//! Keeps the promise that a UDP socket is close-on-exec and non-blocking. FreeBSD's `socket()` takes both as flags. On
//! macOS they are set afterwards; `pipe.rs` says why that is enough.

use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc::{SO_REUSEPORT, SOCK_DGRAM, c_int, socket};

/// The option by which several sockets have one address. SO_REUSEADDR allows that for multicast groups alone.
pub(crate) const SHARED_ADDRESS: c_int = SO_REUSEPORT;

#[cfg(target_os = "freebsd")]
const FLAGS: c_int = nix::libc::SOCK_CLOEXEC | nix::libc::SOCK_NONBLOCK;
#[cfg(not(target_os = "freebsd"))]
const FLAGS: c_int = 0;

/// Returns a new UDP socket of a family of addresses.
pub(crate) fn datagram_socket(family: c_int) -> nix::Result<OwnedFd> {
    // SAFETY: the call reads no memory.
    let fd = Errno::result(unsafe { socket(family, SOCK_DGRAM | FLAGS, 0) })?;
    // SAFETY: it was just made, for this call alone.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    #[cfg(not(target_os = "freebsd"))]
    {
        use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
        fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        // A new socket has no other flags to keep.
        fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
    }
    Ok(socket)
}
