//! Keeps the promises of a UDP socket: its calls never block (MSG_DONTWAIT), options are set before it is bound, and a
//! datagram that is longer than the buffer is told apart (`recvmsg()` says MSG_TRUNC).

use std::ffi::{CStr, CString};
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::libc::{
    self, AF_INET, AF_INET6, IF_NAMESIZE, IP_MULTICAST_IF, IPPROTO_IP, IPPROTO_IPV6, IPV6_MULTICAST_HOPS,
    IPV6_MULTICAST_IF, IPV6_MULTICAST_LOOP, IPV6_V6ONLY, MSG_DONTWAIT, MSG_TRUNC, SOL_SOCKET, c_int, if_indextoname,
    if_nametoindex, in_addr, in6_addr, iovec, msghdr, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6,
    sockaddr_storage, socklen_t,
};

use super::file_status::file_status;
use super::retry::retry;
use crate::sys::Received;
use crate::sys::native::{SHARED_ADDRESS, datagram_socket};

/// What tells a socket from another file with the same number.
pub(crate) type Identity = (i128, i128);

/// Returns the identity of a socket.
pub(crate) fn identity(socket: &UdpSocket) -> io::Result<Identity> {
    Ok(file_status(socket.as_fd())?.identity)
}

/// Returns the number of a socket.
pub(crate) fn fileno(socket: &UdpSocket) -> io::Result<RawFd> {
    Ok(socket.as_raw_fd())
}

/// An address as the kernel reads it.
#[repr(C)]
union RawAddress {
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

impl RawAddress {
    /// Returns an address, and its length. (BSD's length field is filled in by the kernel.)
    fn new(address: SocketAddr) -> (RawAddress, socklen_t) {
        match address {
            SocketAddr::V4(address) => {
                // SAFETY: a structure of numbers.
                let mut v4: sockaddr_in = unsafe { mem::zeroed() };
                v4.sin_family = AF_INET as sa_family_t;
                v4.sin_port = address.port().to_be();
                v4.sin_addr = raw_v4(*address.ip());
                (RawAddress { v4 }, size_of::<sockaddr_in>() as socklen_t)
            }
            SocketAddr::V6(address) => {
                // SAFETY: as above.
                let mut v6: sockaddr_in6 = unsafe { mem::zeroed() };
                v6.sin6_family = AF_INET6 as sa_family_t;
                v6.sin6_port = address.port().to_be();
                v6.sin6_addr = in6_addr { s6_addr: address.ip().octets() };
                v6.sin6_flowinfo = address.flowinfo();
                v6.sin6_scope_id = address.scope_id();
                (RawAddress { v6 }, size_of::<sockaddr_in6>() as socklen_t)
            }
        }
    }
}

fn raw_v4(address: Ipv4Addr) -> in_addr {
    in_addr { s_addr: u32::from_ne_bytes(address.octets()) }
}

/// Returns the address that the kernel has written.
fn read_address(storage: &MaybeUninit<sockaddr_storage>) -> io::Result<SocketAddr> {
    let start = storage.as_ptr();
    // SAFETY: the storage began as zeros, so all of it is initialised. It is as large and as aligned as any address.
    unsafe {
        match c_int::from((*start).ss_family) {
            AF_INET => {
                let raw = &*start.cast::<sockaddr_in>();
                let address = Ipv4Addr::from(raw.sin_addr.s_addr.to_ne_bytes());
                Ok(SocketAddrV4::new(address, u16::from_be(raw.sin_port)).into())
            }
            AF_INET6 => {
                let raw = &*start.cast::<sockaddr_in6>();
                let port = u16::from_be(raw.sin6_port);
                let flow = raw.sin6_flowinfo;
                Ok(SocketAddrV6::new(raw.sin6_addr.s6_addr.into(), port, flow, raw.sin6_scope_id).into())
            }
            _ => Err(Errno::EAFNOSUPPORT.into()),
        }
    }
}

/// Sets an option.
fn set_option<T>(socket: impl AsFd, level: c_int, name: c_int, value: T) -> io::Result<()> {
    let (fd, length) = (socket.as_fd().as_raw_fd(), size_of::<T>() as socklen_t);
    // SAFETY: the kernel reads the value, no further than its end.
    Errno::result(unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), length) })?;
    Ok(())
}

/// Makes a socket, and binds it.
pub(crate) fn bind(address: SocketAddr, shares_address: bool, is_v6_only: bool) -> io::Result<UdpSocket> {
    let socket: OwnedFd = datagram_socket(if address.is_ipv6() { AF_INET6 } else { AF_INET })?;
    if shares_address {
        set_option(&socket, SOL_SOCKET, SHARED_ADDRESS, 1 as c_int)?;
    }
    if address.is_ipv6() {
        set_option(&socket, IPPROTO_IPV6, IPV6_V6ONLY, c_int::from(is_v6_only))?;
    }
    let (raw, length) = RawAddress::new(address);
    // SAFETY: the kernel reads the address, no further than its end.
    Errno::result(unsafe { libc::bind(socket.as_raw_fd(), (&raw const raw).cast::<sockaddr>(), length) })?;
    Ok(socket.into())
}

/// Receives one datagram. EAGAIN when there is none.
pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Received> {
    let mut sender = MaybeUninit::<sockaddr_storage>::zeroed();
    let mut part = iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let (count, flags) = retry(|| {
        // SAFETY: a structure of numbers and pointers. (On some systems it has more fields than are set here.)
        let mut message: msghdr = unsafe { mem::zeroed() };
        message.msg_name = sender.as_mut_ptr().cast();
        message.msg_namelen = size_of::<sockaddr_storage>() as socklen_t;
        message.msg_iov = &mut part;
        message.msg_iovlen = 1;
        // SAFETY: the kernel writes an address and as many bytes as the buffer has, both of which outlive the call.
        let count = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, MSG_DONTWAIT) };
        Ok((Errno::result(count)?, message.msg_flags))
    })?;
    let count = usize::try_from(count).unwrap_or(0).min(buffer.len());
    Ok(Received { count, sender: read_address(&sender)?, is_truncated: flags & MSG_TRUNC != 0 })
}

/// Sends one datagram. EAGAIN when there is no room now.
pub(crate) fn send(socket: &UdpSocket, data: &[u8], receiver: SocketAddr) -> io::Result<usize> {
    let (raw, length) = RawAddress::new(receiver);
    let address = (&raw const raw).cast::<sockaddr>();
    let count = retry(|| {
        // SAFETY: the kernel reads the data and the address, no further than their ends.
        Errno::result(unsafe {
            libc::sendto(socket.as_raw_fd(), data.as_ptr().cast(), data.len(), MSG_DONTWAIT, address, length)
        })
    })?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Chooses the interface by which IPv4 datagrams leave for multicast groups, by one of its addresses.
pub(crate) fn set_multicast_interface_v4(socket: &UdpSocket, address: Ipv4Addr) -> io::Result<()> {
    set_option(socket, IPPROTO_IP, IP_MULTICAST_IF, raw_v4(address))
}

/// Chooses the interface by which IPv6 datagrams leave for multicast groups, by its index.
pub(crate) fn set_multicast_interface_v6(socket: &UdpSocket, index: u32) -> io::Result<()> {
    set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, index)
}

/// Sets how many hops an IPv6 datagram for a multicast group may take.
pub(crate) fn set_multicast_hops_v6(socket: &UdpSocket, hops: u8) -> io::Result<()> {
    set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, c_int::from(hops))
}

/// Sets whether sockets of this machine get what this one sends to an IPv6 group.
pub(crate) fn set_multicast_loopback_v6(socket: &UdpSocket, is_wanted: bool) -> io::Result<()> {
    set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, c_int::from(is_wanted))
}

/// Returns the index of the interface with a name.
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name ends with a NUL.
    let index = unsafe { if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

/// Returns the name of the interface with an index.
pub(crate) fn interface_name(index: u32) -> Option<String> {
    let mut name = [0; IF_NAMESIZE];
    // SAFETY: the call writes at most so many bytes, with a NUL at their end.
    unsafe {
        let start = if_indextoname(index, name.as_mut_ptr());
        if ptr::eq(start, ptr::null()) { None } else { Some(CStr::from_ptr(start).to_string_lossy().into_owned()) }
    }
}
