//! UDP sockets: what is sent arrives whole, with its sender, and nothing blocks.
#![cfg(not(loom))]

mod common;

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use common::{Outcome, TIMEOUT, Watchdog};
use waitable_event::sys::{Received, descriptor};
use waitable_event::{BindOptions, DatagramSocket, Deadline, Interest, Interface, Poller, Trigger};
use waitable_event::{format_address, parse_address};

const READABLE: Interest = Interest { readable: true, writable: false, priority: false };

fn bound(address: IpAddr) -> Outcome<(DatagramSocket, SocketAddr)> {
    let socket = DatagramSocket::bind((address, 0).into(), BindOptions::default())?;
    let address = socket.local_address()?;
    Ok((socket, address))
}

/// Receives the next datagram, and sleeps until there is one.
fn receive(socket: &DatagramSocket, buffer: &mut [u8]) -> Outcome<Received> {
    let poller = Poller::new()?;
    // SAFETY: the socket outlives its place in the poller.
    let fd = unsafe { descriptor::borrow(socket.fileno()?) }?;
    poller.add(fd, 1, READABLE, Trigger::Level)?;
    let deadline = Deadline::after(Some(TIMEOUT));
    loop {
        match socket.receive(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                assert!(poller.wait(deadline)?, "no datagram came");
                poller.poll(&mut Vec::new())?;
            }
            result => return Ok(result?),
        }
    }
}

fn talk(address: IpAddr) -> Outcome {
    let ((near, near_address), (far, far_address)) = (bound(address)?, bound(address)?);
    let mut buffer = [0; 16];
    for text in [&b"spam"[..], b"", b"eggs"] {
        assert_eq!(near.send(text, far_address)?, text.len());
        let received = receive(&far, &mut buffer)?;
        assert_eq!(&buffer[..received.count], text);
        assert_eq!((received.sender, received.is_truncated), (near_address, false));
    }
    Ok(())
}

#[test]
fn a_datagram_comes_whole_and_with_its_sender() -> Outcome {
    let _watchdog = Watchdog::new("a_datagram_comes_whole_and_with_its_sender");
    talk(Ipv4Addr::LOCALHOST.into())?;
    match bound(Ipv6Addr::LOCALHOST.into()) {
        Ok(_) => talk(Ipv6Addr::LOCALHOST.into()),
        Err(error) => {
            println!("IPv6 is not tested here: {error}");
            Ok(())
        }
    }
}

#[test]
fn nothing_to_receive_is_no_wait() -> Outcome {
    let (socket, _) = bound(Ipv4Addr::LOCALHOST.into())?;
    let error = socket.receive(&mut [0; 4]).map(drop).err();
    assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    Ok(())
}

#[test]
fn the_rest_of_a_long_datagram_is_told_and_lost() -> Outcome {
    let _watchdog = Watchdog::new("the_rest_of_a_long_datagram_is_told_and_lost");
    let ((near, near_address), (far, far_address)) =
        (bound(Ipv4Addr::LOCALHOST.into())?, bound(Ipv4Addr::LOCALHOST.into())?);
    near.send(b"spam and eggs", far_address)?;
    near.send(b"ham!", far_address)?;
    let mut buffer = [0; 4];
    let truncated = Received { count: 4, sender: near_address, is_truncated: true };
    assert_eq!(receive(&far, &mut buffer)?, truncated);
    assert_eq!(&buffer, b"spam");
    assert_eq!(receive(&far, &mut buffer)?, Received { is_truncated: false, ..truncated });
    assert_eq!(&buffer, b"ham!");
    Ok(())
}

#[test]
fn an_address_is_taken_unless_both_share_it() -> Outcome {
    let (_first, address) = bound(Ipv4Addr::LOCALHOST.into())?;
    let second = DatagramSocket::bind(address, BindOptions::default());
    assert_eq!(second.map(drop).err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));

    let shared = BindOptions { shares_address: true, ..BindOptions::default() };
    let first = DatagramSocket::bind((Ipv4Addr::LOCALHOST, 0).into(), shared)?;
    DatagramSocket::bind(first.local_address()?, shared)?;
    Ok(())
}

#[test]
fn a_group_is_joined_and_left_on_the_loopback_interface() -> Outcome {
    let _watchdog = Watchdog::new("a_group_is_joined_and_left_on_the_loopback_interface");
    let group = Ipv4Addr::new(239, 255, 47, 8);
    let loopback = Interface { address: Ipv4Addr::LOCALHOST, ..Interface::ANY };
    let (member, address) = bound(Ipv4Addr::UNSPECIFIED.into())?;
    if let Err(error) = member.join(group.into(), loopback) {
        println!("multicast is not tested here: {error}");
        return Ok(());
    }
    let (sender, _) = bound(Ipv4Addr::LOCALHOST.into())?;
    sender.set_multicast_interface(loopback)?;
    sender.set_multicast_ttl(1)?;
    sender.set_multicast_loopback(true)?;
    sender.send(b"spam", (group, address.port()).into())?;
    let mut buffer = [0; 8];
    assert_eq!(receive(&member, &mut buffer)?.count, 4);
    member.leave(group.into(), loopback)?;
    assert!(member.leave(group.into(), loopback).is_err());
    Ok(())
}

#[test]
fn addresses_are_parsed_and_formatted() -> Outcome {
    for text in ["127.0.0.8", "::", "::1", "2001:db8::8", "::ffff:10.0.0.1", "fe80::1%7654321"] {
        assert_eq!(parse_address(text, 9).map(format_address), Some(text.to_string()));
    }
    for text in ["", "localhost", "127.1", "1.2.3.4%1", "1.2.3.4:5", "[::1]", "fe80::1%", "fe80::1%no such interface"] {
        assert_eq!(parse_address(text, 9), None, "{text}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_number_that_is_another_file_by_now_stays_open() -> Outcome {
    use std::fs::File;

    // In the place of foreign code that closes the number of a socket: the number gets another file in one step.
    let (socket, _) = bound(Ipv4Addr::LOCALHOST.into())?;
    let number = socket.fileno()?;
    let file = File::open("/dev/null")?;
    // SAFETY: the number belongs to the socket, which notices.
    let file = unsafe { nix::unistd::dup2_raw(&file, number) }?;
    drop(socket);
    assert_eq!(descriptor::check(number).map_err(|error| error.kind()), Ok(()));
    drop(file);
    Ok(())
}
