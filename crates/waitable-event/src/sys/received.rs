//! What `receive()` of a UDP socket returns.

use std::net::SocketAddr;

/// A datagram that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The number of bytes in the buffer.
    pub count: usize,
    /// Who has sent it.
    pub sender: SocketAddr,
    /// The datagram was longer than the buffer, and its rest is lost.
    pub is_truncated: bool,
}
