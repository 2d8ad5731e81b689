//! UDP sockets, by their descriptors. Addresses are those of `ffi/address.rs`.

use std::io;

use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use waitable_event::{BindOptions, DatagramSocket, Interface, format_address, parse_address};

use crate::environment::Environment;
use crate::ffi::{address, errno, status};

/// In the count of a received datagram: it was longer than the buffer.
pub const TRUNCATED: i32 = 1 << 30;

/// Returns what `body` returns for a socket of this environment.
fn with<T>(environment: &Environment, fd: i32, body: impl FnOnce(&DatagramSocket) -> io::Result<T>) -> io::Result<T> {
    environment.datagrams.borrow().get(&fd).map_or_else(|| Err(errno::error(errno::EBADF)), body)
}

/// Returns the status of what `body` does with a socket.
fn change(env: &Env, fd: i32, body: impl FnOnce(&DatagramSocket) -> io::Result<()>) -> i32 {
    match Environment::of(env) {
        Some(environment) => status::of_io_unit(with(environment, fd, body)),
        None => status::NO_ENVIRONMENT,
    }
}

fn invalid() -> io::Error {
    errno::error(errno::EINVAL)
}

/// Makes a UDP socket and binds it to an address. Returns its descriptor, which the caller owns until this environment
/// ends.
#[napi]
pub fn bind_datagram(env: Env, address: Uint8Array, shares_address: bool, is_v6_only: bool, broadcasts: bool) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    let options = BindOptions { shares_address, is_v6_only, broadcasts };
    let bound = address::decode(&address).ok_or_else(invalid).and_then(|address| {
        let socket = DatagramSocket::bind(address, options)?;
        let fd = socket.fileno()?;
        environment.datagrams.borrow_mut().insert(fd, socket);
        Ok(fd)
    });
    status::of(bound.map_err(Into::into))
}

/// Closes a socket.
#[napi]
pub fn close_datagram(env: Env, fd: i32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    let socket = environment.datagrams.borrow_mut().remove(&fd);
    socket.map_or(-errno::EBADF, |_| 0)
}

/// Writes the address that a socket is bound to.
#[napi]
pub fn local_address(env: Env, fd: i32, mut address: Uint8Array) -> i32 {
    change(&env, fd, |socket| {
        // SAFETY: the facade made the array for this call, and no other thread has it.
        address::encode(socket.local_address()?, unsafe { address.as_mut() });
        Ok(())
    })
}

/// Allows broadcasts, or not.
#[napi]
pub fn set_broadcast(env: Env, fd: i32, is_allowed: bool) -> i32 {
    change(&env, fd, |socket| socket.set_broadcast(is_allowed))
}

/// Sets how many hops a datagram for a multicast group may take.
#[napi]
pub fn set_multicast_ttl(env: Env, fd: i32, hops: u8) -> i32 {
    change(&env, fd, |socket| socket.set_multicast_ttl(hops))
}

/// Sets whether sockets of this machine get what this one sends to a multicast group.
#[napi]
pub fn set_multicast_loopback(env: Env, fd: i32, is_wanted: bool) -> i32 {
    change(&env, fd, |socket| socket.set_multicast_loopback(is_wanted))
}

/// Chooses the interface by which datagrams leave for multicast groups.
#[napi]
pub fn set_multicast_interface(env: Env, fd: i32, interface: Uint8Array) -> i32 {
    change(&env, fd, |socket| socket.set_multicast_interface(interface_of(&interface)))
}

/// Joins a multicast group, or leaves it.
#[napi]
pub fn change_membership(env: Env, fd: i32, group: Uint8Array, interface: Uint8Array, joins: bool) -> i32 {
    change(&env, fd, |socket| {
        let group = address::decode(&group).ok_or_else(invalid)?.ip();
        let interface = interface_of(&interface);
        if joins { socket.join(group, interface) } else { socket.leave(group, interface) }
    })
}

fn interface_of(bytes: &[u8]) -> Interface {
    address::decode(bytes).map_or(Interface::ANY, Interface::of_address)
}

/// Writes the address that a text stands for, with a port. Returns EINVAL for a text that is no address.
#[napi]
pub fn parse_internet_address(text: String, port: u16, mut bytes: Uint8Array) -> i32 {
    let Some(parsed) = parse_address(&text, port) else {
        return -errno::EINVAL;
    };
    // SAFETY: the facade made the array, and no other thread has it.
    address::encode(parsed, unsafe { bytes.as_mut() });
    0
}

/// Returns the text of an address, without its port.
#[napi]
pub fn format_internet_address(bytes: Uint8Array) -> String {
    address::decode(&bytes).map_or_else(String::new, format_address)
}

/// Receives one datagram into `buffer`, and writes its sender. Returns the count, with bit 30 when it was too long.
pub fn receive(environment: &Environment, fd: i32, buffer: &mut [u8], sender: &mut [u8]) -> i32 {
    let received = with(environment, fd, |socket| socket.receive(buffer));
    received.map_or_else(
        |error| status::of_io_error(&error),
        |received| {
            address::encode(received.sender, sender);
            let count = status::of_count(received.count);
            if received.is_truncated { count | TRUNCATED } else { count }
        },
    )
}

/// Sends one datagram. Returns its length.
pub fn send(environment: &Environment, fd: i32, data: &[u8], receiver: &[u8]) -> i32 {
    status::of_io_count(with(environment, fd, |socket| {
        socket.send(data, address::decode(receiver).ok_or_else(invalid)?)
    }))
}
