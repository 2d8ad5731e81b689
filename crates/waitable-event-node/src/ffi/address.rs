//! How an address crosses into JavaScript: in 24 bytes, so that no string is made for each datagram.
//!
//! The family (4 or 6), a zero, the port in two bytes, the zone in four, and the octets of the address in sixteen.
//! Numbers have their lowest byte first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// The length of an address.
pub const ADDRESS_LENGTH: usize = 24;

/// Writes an address. Does nothing when there is no room.
pub fn encode(address: SocketAddr, bytes: &mut [u8]) {
    let Some(bytes) = bytes.first_chunk_mut::<ADDRESS_LENGTH>() else {
        return;
    };
    *bytes = [0; ADDRESS_LENGTH];
    bytes[2..4].copy_from_slice(&address.port().to_le_bytes());
    match address {
        SocketAddr::V4(address) => {
            bytes[0] = 4;
            bytes[8..12].copy_from_slice(&address.ip().octets());
        }
        SocketAddr::V6(address) => {
            bytes[0] = 6;
            bytes[4..8].copy_from_slice(&address.scope_id().to_le_bytes());
            bytes[8..].copy_from_slice(&address.ip().octets());
        }
    }
}

/// Reads an address. Returns none for bytes that are no address.
pub fn decode(bytes: &[u8]) -> Option<SocketAddr> {
    let (head, octets) = bytes.first_chunk::<ADDRESS_LENGTH>()?.split_first_chunk::<8>()?;
    let port = u16::from_le_bytes([head[2], head[3]]);
    match head[0] {
        4 => Some((IpAddr::V4(Ipv4Addr::from(*octets.first_chunk::<4>()?)), port).into()),
        6 => {
            let zone = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            Some(SocketAddrV6::new(Ipv6Addr::from(*octets.first_chunk::<16>()?), port, 0, zone).into())
        }
        _ => None,
    }
}
