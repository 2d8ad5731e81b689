//! Reading, writing and duplicating a descriptor of the caller: a socket, or a file (`files.rs`).
//!
//! The number of a socket is its handle, a multiple of four. That of a file is one of the C library. Where both are
//! open, the socket is meant.

use std::collections::HashMap;
use std::io;
use std::os::windows::io::{AsRawSocket, BorrowedSocket, OwnedSocket, RawSocket};
use std::sync::{Arc, LazyLock, Mutex};

use windows_sys::Win32::Networking::WinSock::{
    FIONBIO, FIONREAD, SO_ERROR, SO_TYPE, SOCKET, SOL_SOCKET, WSAENOTSOCK, closesocket, getsockopt, ioctlsocket, recv,
    send,
};

use super::afd::Socket;
use super::code;
use super::files;
use super::number::{Descriptor, Fileno, find};
use super::source::Source;
use crate::sync::lock;

/// The duplicates, by their numbers.
static DUPLICATES: LazyLock<Mutex<HashMap<Fileno, OwnedSocket>>> = LazyLock::new(Mutex::default);

/// Returns what a number stands for.
///
/// # Errors
///
/// That it is not open, or no socket. ENOTSUP for a pipe or a console, which have no readiness.
pub(super) fn source(number: Fileno) -> io::Result<Arc<dyn Source>> {
    if let Ok(source) = find(number) {
        return Ok(source);
    }
    match socket(number) {
        Ok(socket) => Ok(Arc::new(Socket::new(socket))),
        Err(error) => files::source(number)?.ok_or(error),
    }
}

/// Returns the socket with a number.
fn socket(number: Fileno) -> io::Result<SOCKET> {
    let socket = SOCKET::try_from(number).map_err(|_| code::error(code::NOT_OPEN))?;
    match option(socket, SO_TYPE) {
        Ok(_) => Ok(socket),
        // Winsock says the same of a handle of another kind. A number that was a file's may be the value of one.
        Err(error) if code::is(&error, WSAENOTSOCK as u32) => Err(code::error(code::NOT_OPEN)),
        Err(error) => Err(error),
    }
}

/// Returns an option of a socket.
fn option(socket: SOCKET, name: i32) -> io::Result<i32> {
    let (mut value, mut length) = (0_i32, size_of::<i32>() as i32);
    // SAFETY: the call writes one number and its length, and fails for what is no socket.
    check_socket(unsafe { getsockopt(socket, SOL_SOCKET, name, (&raw mut value).cast(), &mut length) })?;
    Ok(value)
}

/// Returns the error of a call of Winsock, if it has failed. Otherwise its result.
fn check_socket(result: i32) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Borrows a number that came from outside. EBADF when it can be no descriptor.
///
/// # Safety
///
/// None is needed: a number is only looked up. The contract is that of other systems.
pub unsafe fn borrow<'a>(fd: Fileno) -> io::Result<Descriptor<'a>> {
    if fd < 0 { Err(code::error(code::NOT_OPEN)) } else { Ok(Descriptor::of_number(fd)) }
}

/// Returns EBADF for a number that is not open.
pub fn check(fd: Fileno) -> io::Result<()> {
    source(fd).map(drop)
}

/// Returns whether the readiness of a descriptor is gone once it was polled: of none.
pub fn is_consumed_by_polling(_fd: Fileno) -> bool {
    false
}

/// Duplicates `fd`, and makes a socket non-blocking. The caller owns the new number, until [`close`].
///
/// Windows does not tell whether a socket was a blocking one. So it stays non-blocking.
pub fn duplicate(fd: Fileno) -> io::Result<Fileno> {
    let original = match socket(fd) {
        Ok(socket) => socket,
        Err(error) => return files::duplicate(fd)?.ok_or(error),
    };
    // SAFETY: it was open a moment ago. The call fails for a number that is no socket any more.
    let copy = unsafe { BorrowedSocket::borrow_raw(original as RawSocket) }.try_clone_to_owned()?;
    let number = Fileno::try_from(copy.as_raw_socket()).map_err(|_| code::error(code::TOO_MANY_FILES))?;
    let mut yes = 1;
    // SAFETY: the call reads one number.
    check_socket(unsafe { ioctlsocket(copy.as_raw_socket() as SOCKET, FIONBIO, &mut yes) })?;
    lock(&DUPLICATES).insert(number, copy);
    Ok(number)
}

/// Does nothing: the reads and writes of a socket do not rely on what other processes can change.
pub fn share(_fd: Fileno) {}

/// Reads up to `buffer.len()` bytes, and returns the count; zero is the end. EAGAIN when there is nothing to read.
pub fn read(fd: Fileno, buffer: &mut [u8]) -> io::Result<usize> {
    if let Some(result) = files::read(fd, buffer) {
        return result;
    }
    if buffer.is_empty() {
        // Winsock would say that there is nothing to read.
        return socket(fd).map(|_| 0);
    }
    let length = i32::try_from(buffer.len()).unwrap_or(i32::MAX);
    // SAFETY: the call writes at most so many bytes, and fails for what is no socket.
    check_socket(unsafe { recv(socket(fd)?, buffer.as_mut_ptr(), length, 0) })
}

/// Writes what fits of `data`, and returns the count. EAGAIN when nothing fits.
pub fn write(fd: Fileno, data: &[u8]) -> io::Result<usize> {
    if let Some(result) = files::write(fd, data) {
        return result;
    }
    let length = i32::try_from(data.len()).unwrap_or(i32::MAX);
    // SAFETY: the call reads at most so many bytes, and fails for what is no socket.
    check_socket(unsafe { send(socket(fd)?, data.as_ptr(), length, 0) })
}

/// Closes a number that [`duplicate`] returned.
pub fn close(fd: Fileno) -> io::Result<()> {
    if files::close(fd) {
        return Ok(());
    }
    let copy = lock(&DUPLICATES).remove(&fd);
    copy.map(drop).ok_or_else(|| code::error(code::NOT_OPEN))
}

/// Closes a number of the caller if it is a socket, and returns whether it is: the C library closes its own numbers
/// alone, and may have another file with the number of a socket.
pub fn close_socket(fd: Fileno) -> bool {
    // SAFETY: the caller gives the socket up. The call fails for what is no socket any more.
    socket(fd).is_ok_and(|socket| unsafe { closesocket(socket) } == 0)
}

/// Returns how many bytes there are to read.
pub fn unread(fd: Fileno) -> io::Result<usize> {
    let mut count = 0;
    // SAFETY: the call writes one number, and fails for what is no socket.
    check_socket(unsafe { ioctlsocket(socket(fd)?, FIONREAD, &mut count) })?;
    Ok(count as usize)
}

/// Returns whether a descriptor can be written and not read: no socket.
pub fn is_write_only(_fd: Fileno) -> io::Result<bool> {
    Ok(false)
}

/// Returns whether a descriptor stands for a directory: no socket does.
pub fn is_directory(_fd: Fileno) -> io::Result<bool> {
    Ok(false)
}

/// Returns the error that waits in a socket, and clears it: zero when there is none.
pub fn consume_error(fd: Fileno) -> io::Result<i32> {
    option(socket(fd)?, SO_ERROR)
}
