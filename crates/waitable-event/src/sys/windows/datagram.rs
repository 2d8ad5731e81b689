//! Keeps the promises of a UDP socket: options are set before it is bound, a datagram that is longer than the buffer is
//! told apart (WSAEMSGSIZE), and a receiver that is away fails no later `receive()` (SIO_UDP_CONNRESET).

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::windows::io::{AsRawSocket, FromRawSocket, OwnedSocket, RawSocket};
use std::ptr;
use std::sync::Once;

use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, FIONBIO, IN_ADDR, IN_ADDR_0, IN6_ADDR, IN6_ADDR_0, INVALID_SOCKET, IP_MULTICAST_IF, IPPROTO_IP,
    IPPROTO_IPV6, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_IF, IPV6_MULTICAST_LOOP, IPV6_V6ONLY, SIO_UDP_CONNRESET,
    SO_REUSEADDR, SOCK_DGRAM, SOCKADDR, SOCKADDR_IN, SOCKADDR_IN6, SOCKADDR_STORAGE, SOCKET, SOL_SOCKET,
    WSA_FLAG_NO_HANDLE_INHERIT, WSA_FLAG_OVERLAPPED, WSAEAFNOSUPPORT, WSAEMSGSIZE, WSAIoctl, WSASocketW, ioctlsocket,
    recvfrom, sendto, setsockopt,
};

use super::code;
use super::number::Fileno;
use crate::sys::Received;

/// What tells a socket from another one with the same number: nothing does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity;

/// Returns the identity of a socket.
pub(crate) fn identity(_socket: &UdpSocket) -> io::Result<Identity> {
    Ok(Identity)
}

/// Returns the number of a socket.
pub(crate) fn fileno(socket: &UdpSocket) -> io::Result<Fileno> {
    Fileno::try_from(socket.as_raw_socket()).map_err(|_| code::error(code::TOO_MANY_FILES))
}

fn raw(socket: &impl AsRawSocket) -> SOCKET {
    socket.as_raw_socket() as SOCKET
}

/// Returns the error of a call of Winsock, if it has failed. Otherwise its result.
fn check(result: i32) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// An address as Winsock reads it.
#[repr(C)]
union RawAddress {
    v4: SOCKADDR_IN,
    v6: SOCKADDR_IN6,
}

impl RawAddress {
    /// Returns an address, and its length.
    fn new(address: SocketAddr) -> (RawAddress, i32) {
        match address {
            SocketAddr::V4(address) => {
                // SAFETY: a structure of numbers.
                let mut v4: SOCKADDR_IN = unsafe { mem::zeroed() };
                v4.sin_family = AF_INET;
                v4.sin_port = address.port().to_be();
                v4.sin_addr = raw_v4(*address.ip());
                (RawAddress { v4 }, size_of::<SOCKADDR_IN>() as i32)
            }
            SocketAddr::V6(address) => {
                // SAFETY: as above.
                let mut v6: SOCKADDR_IN6 = unsafe { mem::zeroed() };
                v6.sin6_family = AF_INET6;
                v6.sin6_port = address.port().to_be();
                v6.sin6_addr = IN6_ADDR { u: IN6_ADDR_0 { Byte: address.ip().octets() } };
                v6.sin6_flowinfo = address.flowinfo();
                v6.Anonymous.sin6_scope_id = address.scope_id();
                (RawAddress { v6 }, size_of::<SOCKADDR_IN6>() as i32)
            }
        }
    }
}

fn raw_v4(address: Ipv4Addr) -> IN_ADDR {
    IN_ADDR { S_un: IN_ADDR_0 { S_addr: u32::from_ne_bytes(address.octets()) } }
}

/// Returns the address that Winsock has written.
fn read_address(storage: &SOCKADDR_STORAGE) -> io::Result<SocketAddr> {
    let start = ptr::from_ref(storage);
    // SAFETY: the storage began as zeros, and it is as large and as aligned as any address.
    unsafe {
        match storage.ss_family {
            AF_INET => {
                let raw = &*start.cast::<SOCKADDR_IN>();
                let address = Ipv4Addr::from(raw.sin_addr.S_un.S_addr.to_ne_bytes());
                Ok(SocketAddrV4::new(address, u16::from_be(raw.sin_port)).into())
            }
            AF_INET6 => {
                let raw = &*start.cast::<SOCKADDR_IN6>();
                let (port, scope) = (u16::from_be(raw.sin6_port), raw.Anonymous.sin6_scope_id);
                Ok(SocketAddrV6::new(raw.sin6_addr.u.Byte.into(), port, raw.sin6_flowinfo, scope).into())
            }
            _ => Err(io::Error::from_raw_os_error(WSAEAFNOSUPPORT)),
        }
    }
}

/// Sets an option.
fn set_option<T>(socket: &impl AsRawSocket, level: i32, name: i32, value: T) -> io::Result<()> {
    // SAFETY: the call reads the value, no further than its end.
    check(unsafe { setsockopt(raw(socket), level, name, (&raw const value).cast(), size_of::<T>() as i32) }).map(drop)
}

/// Makes a socket, and binds it.
pub(crate) fn bind(address: SocketAddr, shares_address: bool, is_v6_only: bool) -> io::Result<UdpSocket> {
    STARTED.call_once(start_winsock);
    let family = if address.is_ipv6() { AF_INET6 } else { AF_INET };
    let flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
    // SAFETY: the call reads no memory.
    let socket = unsafe { WSASocketW(i32::from(family), SOCK_DGRAM, 0, ptr::null(), 0, flags) };
    if socket == INVALID_SOCKET {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just made, for this call alone.
    let socket = unsafe { OwnedSocket::from_raw_socket(socket as RawSocket) };
    let mut yes = 1;
    // SAFETY: the call reads one number.
    check(unsafe { ioctlsocket(raw(&socket), FIONBIO, &mut yes) })?;
    ignore_absent_receivers(&socket);
    if shares_address {
        set_option(&socket, SOL_SOCKET, SO_REUSEADDR, 1_i32)?;
    }
    if address.is_ipv6() {
        set_option(&socket, IPPROTO_IPV6, IPV6_V6ONLY, i32::from(is_v6_only))?;
    }
    let (address, length) = RawAddress::new(address);
    let address = (&raw const address).cast::<SOCKADDR>();
    // SAFETY: the call reads the address, no further than its end.
    check(unsafe { windows_sys::Win32::Networking::WinSock::bind(raw(&socket), address, length) })?;
    Ok(socket.into())
}

static STARTED: Once = Once::new();

/// Has the standard library start Winsock, which it does with its first socket.
fn start_winsock() {
    // If it fails, so does the socket that is wanted.
    let _ = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
}

/// Keeps the answer of a machine that nothing listens there from failing the next `receive()`. Where it fails, as in
/// Wine, there are no such failures.
fn ignore_absent_receivers(socket: &OwnedSocket) {
    let (no, mut count) = (0_i32, 0);
    // SAFETY: the call reads one number, and writes one.
    unsafe {
        WSAIoctl(
            raw(socket),
            SIO_UDP_CONNRESET,
            (&raw const no).cast(),
            size_of::<i32>() as u32,
            ptr::null_mut(),
            0,
            &mut count,
            ptr::null_mut(),
            None,
        );
    }
}

/// Receives one datagram. EAGAIN when there is none.
pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Received> {
    // SAFETY: a structure of numbers.
    let mut sender: SOCKADDR_STORAGE = unsafe { mem::zeroed() };
    let (mut length, room) = (size_of::<SOCKADDR_STORAGE>() as i32, i32::try_from(buffer.len()).unwrap_or(i32::MAX));
    // SAFETY: the call writes an address and at most so many bytes.
    let result =
        check(unsafe { recvfrom(raw(socket), buffer.as_mut_ptr(), room, 0, (&raw mut sender).cast(), &mut length) });
    let (count, is_truncated) = match result {
        Err(error) if error.raw_os_error() == Some(WSAEMSGSIZE) => (buffer.len(), true),
        result => (result?, false),
    };
    Ok(Received { count, sender: read_address(&sender)?, is_truncated })
}

/// Sends one datagram. EAGAIN when there is no room now.
pub(crate) fn send(socket: &UdpSocket, data: &[u8], receiver: SocketAddr) -> io::Result<usize> {
    let (address, length) = RawAddress::new(receiver);
    let room = i32::try_from(data.len()).unwrap_or(i32::MAX);
    // SAFETY: the call reads the data and the address, no further than their ends.
    check(unsafe { sendto(raw(socket), data.as_ptr(), room, 0, (&raw const address).cast(), length) })
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
    set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, i32::from(hops))
}

/// Sets whether sockets of this machine get what this one sends to an IPv6 group.
pub(crate) fn set_multicast_loopback_v6(socket: &UdpSocket, is_wanted: bool) -> io::Result<()> {
    set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, i32::from(is_wanted))
}

/// Returns the index of the interface with a name. On Windows, interfaces are named by their indices.
pub(crate) fn interface_index(_name: &str) -> Option<u32> {
    None
}

/// Returns the name of the interface with an index: none, as above.
pub(crate) fn interface_name(_index: u32) -> Option<String> {
    None
}
