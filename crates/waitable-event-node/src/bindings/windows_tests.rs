//! What tests need on Windows: which threads sleep in a wait, and sockets with numbers. Node has neither there.
//!
//! The packages are built without it.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::windows::io::{FromRawSocket, IntoRawSocket, RawSocket};

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use waitable_event::sys::{self, descriptor};

use crate::ffi::status;

/// Returns the number of the calling thread.
#[napi]
pub fn current_thread() -> u32 {
    sys::thread_id()
}

/// Returns whether a thread sleeps in a wait of this package.
#[napi]
pub fn is_thread_asleep(thread: u32) -> bool {
    sys::is_thread_asleep(thread)
}

/// Returns the numbers of two sockets that are connected, and do not block.
#[napi]
pub fn connect_sockets() -> Vec<i32> {
    connect().unwrap_or_default()
}

fn connect() -> io::Result<Vec<i32>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    for socket in [&near, &far] {
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
    }
    [near, far].map(|socket| i32::try_from(socket.into_raw_socket()).map_err(io::Error::other)).into_iter().collect()
}

/// Sends what fits of `data`. Returns the count, or a status.
#[napi]
pub fn send_to_socket(socket: i32, data: Uint8Array) -> i32 {
    status::of_io_count(descriptor::write(socket, &data))
}

/// Receives into `buffer`. Returns the count, or a status.
#[napi]
pub fn receive_from_socket(socket: i32, mut buffer: Uint8Array) -> i32 {
    // SAFETY: the test made the buffer for this call.
    status::of_io_count(descriptor::read(socket, unsafe { buffer.as_mut() }))
}

/// Closes a socket of `connect_sockets`.
#[napi]
pub fn close_socket(socket: i32) {
    // SAFETY: the test owns it.
    drop(unsafe { TcpStream::from_raw_socket(socket as RawSocket) });
}
