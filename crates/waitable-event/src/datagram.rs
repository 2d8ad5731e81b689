//! A UDP socket that a run loop reads: it is non-blocking, and each datagram comes with its sender.

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

use crate::sys::{Fileno, Received, datagram};

/// How a [`DatagramSocket`] is bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct BindOptions {
    /// Other sockets may have the same address, if they say so, too.
    pub shares_address: bool,
    /// A socket for IPv6 gets no datagrams of IPv4.
    pub is_v6_only: bool,
    /// Datagrams may be sent to broadcast addresses.
    pub broadcasts: bool,
}

/// A network interface, as multicast names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// One of its addresses, for IPv4. The unspecified one leaves the choice to the system.
    pub address: Ipv4Addr,
    /// Its index, for IPv6. Zero leaves the choice to the system.
    pub index: u32,
}

impl Interface {
    /// The system chooses.
    pub const ANY: Interface = Interface { address: Ipv4Addr::UNSPECIFIED, index: 0 };

    /// Returns the interface that an address names: one of its own for IPv4, and `::%NAME` for IPv6.
    pub fn of_address(address: SocketAddr) -> Interface {
        match address {
            SocketAddr::V4(address) => Interface { address: *address.ip(), index: 0 },
            SocketAddr::V6(address) => Interface { address: Ipv4Addr::UNSPECIFIED, index: address.scope_id() },
        }
    }
}

/// Parses an address of IPv4 or IPv6. One of IPv6 may have a zone: the name of an interface, or its index, behind `%`.
pub fn parse_address(text: &str, port: u16) -> Option<SocketAddr> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    match (address.parse().ok()?, zone) {
        (IpAddr::V4(address), None) => Some((address, port).into()),
        (IpAddr::V4(_), Some(_)) => None,
        (IpAddr::V6(address), zone) => Some(v6(address, port, zone.map_or(Some(0), index_of_zone)?)),
    }
}

fn v6(address: Ipv6Addr, port: u16, scope_id: u32) -> SocketAddr {
    SocketAddrV6::new(address, port, 0, scope_id).into()
}

fn index_of_zone(zone: &str) -> Option<u32> {
    match zone.parse() {
        Ok(index) => Some(index),
        Err(_) => datagram::interface_index(zone),
    }
}

/// Returns the text of an address, without its port. What [`parse_address`] parses.
pub fn format_address(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(address) if address.scope_id() != 0 => {
            let index = address.scope_id();
            let zone = datagram::interface_name(index).unwrap_or_else(|| index.to_string());
            format!("{}%{zone}", address.ip())
        }
        _ => address.ip().to_string(),
    }
}

/// A UDP socket that is bound.
///
/// Its calls never block, also when another process makes the open file a blocking one.
pub struct DatagramSocket {
    /// Dropped, unless the number is another file's by then.
    socket: ManuallyDrop<UdpSocket>,
    identity: datagram::Identity,
}

impl DatagramSocket {
    /// Makes a socket, close-on-exec and non-blocking, and binds it.
    ///
    /// # Errors
    ///
    /// What the system says: EADDRINUSE, EADDRNOTAVAIL, EACCES, EAFNOSUPPORT, EMFILE.
    pub fn bind(address: SocketAddr, options: BindOptions) -> io::Result<DatagramSocket> {
        let socket = datagram::bind(address, options.shares_address, options.is_v6_only)?;
        if options.broadcasts {
            socket.set_broadcast(true)?;
        }
        let identity = datagram::identity(&socket)?;
        Ok(DatagramSocket { socket: ManuallyDrop::new(socket), identity })
    }

    /// Returns the number of the descriptor.
    ///
    /// # Errors
    ///
    /// EMFILE when it needs more than 31 bits, which is so for a few sockets of Windows.
    pub fn fileno(&self) -> io::Result<Fileno> {
        datagram::fileno(&self.socket)
    }

    /// Returns the address that the socket is bound to.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Receives one datagram.
    ///
    /// # Errors
    ///
    /// EAGAIN when there is none.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        datagram::receive(&self.socket, buffer)
    }

    /// Sends one datagram.
    ///
    /// # Errors
    ///
    /// EAGAIN when there is no room now, EMSGSIZE when it is too long, EACCES for a broadcast that was not allowed.
    pub fn send(&self, data: &[u8], receiver: SocketAddr) -> io::Result<usize> {
        datagram::send(&self.socket, data, receiver)
    }

    /// Allows broadcasts, or not.
    pub fn set_broadcast(&self, is_allowed: bool) -> io::Result<()> {
        self.socket.set_broadcast(is_allowed)
    }

    /// Joins a multicast group on an interface: IPv4 names it by one of its addresses, and IPv6 by its index. Zero
    /// leaves the choice to the system.
    pub fn join(&self, group: IpAddr, interface: Interface) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => self.socket.join_multicast_v4(&group, &interface.address),
            IpAddr::V6(group) => self.socket.join_multicast_v6(&group, interface.index),
        }
    }

    /// Leaves a multicast group that [`DatagramSocket::join`] has joined.
    pub fn leave(&self, group: IpAddr, interface: Interface) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => self.socket.leave_multicast_v4(&group, &interface.address),
            IpAddr::V6(group) => self.socket.leave_multicast_v6(&group, interface.index),
        }
    }

    /// Chooses the interface by which datagrams leave for multicast groups.
    pub fn set_multicast_interface(&self, interface: Interface) -> io::Result<()> {
        if self.is_v6()? {
            datagram::set_multicast_interface_v6(&self.socket, interface.index)
        } else {
            datagram::set_multicast_interface_v4(&self.socket, interface.address)
        }
    }

    /// Sets how many hops a datagram for a multicast group may take.
    pub fn set_multicast_ttl(&self, hops: u8) -> io::Result<()> {
        if self.is_v6()? {
            datagram::set_multicast_hops_v6(&self.socket, hops)
        } else {
            self.socket.set_multicast_ttl_v4(hops.into())
        }
    }

    /// Sets whether sockets of this machine get what this one sends to a multicast group.
    pub fn set_multicast_loopback(&self, is_wanted: bool) -> io::Result<()> {
        if self.is_v6()? {
            datagram::set_multicast_loopback_v6(&self.socket, is_wanted)
        } else {
            self.socket.set_multicast_loop_v4(is_wanted)
        }
    }

    fn is_v6(&self) -> io::Result<bool> {
        Ok(self.local_address()?.is_ipv6())
    }
}

impl Drop for DatagramSocket {
    /// Closes the socket. A number that foreign code has closed, and that is another file's by now, is left alone.
    fn drop(&mut self) {
        // SAFETY: it is taken once, here.
        let socket = unsafe { ManuallyDrop::take(&mut self.socket) };
        if datagram::identity(&socket).is_ok_and(|identity| identity == self.identity) {
            drop(socket);
        } else {
            std::mem::forget(socket);
        }
    }
}

impl fmt::Debug for DatagramSocket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DatagramSocket").field("socket", &*self.socket).finish()
    }
}
