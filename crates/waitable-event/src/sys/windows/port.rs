//! A completion port: where a thread sleeps, and what other threads post to.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE, INVALID_HANDLE_VALUE, WAIT_TIMEOUT,
};
use windows_sys::Win32::System::IO::{
    CreateIoCompletionPort, GetQueuedCompletionStatusEx, OVERLAPPED, OVERLAPPED_ENTRY, PostQueuedCompletionStatus,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, INFINITE};

use super::code;

/// The number of packets that one call dequeues at most.
pub(super) const BATCH: usize = 64;

/// The packets of one call.
pub(super) type Packets = [OVERLAPPED_ENTRY; BATCH];

/// A completion port, or a duplicate of its handle: the port lives until the last one is closed.
#[derive(Debug)]
pub(super) struct Port(OwnedHandle);

impl Port {
    /// Returns a port of its own.
    pub(super) fn new() -> io::Result<Port> {
        // SAFETY: no file is associated.
        let port = unsafe { CreateIoCompletionPort(INVALID_HANDLE_VALUE, ptr::null_mut(), 0, 0) };
        if port.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just made, for this value alone.
        Ok(Port(unsafe { OwnedHandle::from_raw_handle(port) }))
    }

    /// Returns a duplicate of a handle that the caller believes to be a port.
    pub(super) fn duplicate(port: HANDLE) -> io::Result<Port> {
        let mut copy = ptr::null_mut();
        // SAFETY: the call fails for a value that is no handle, and writes the duplicate otherwise.
        code::check(unsafe {
            let process = GetCurrentProcess();
            DuplicateHandle(process, port, process, &mut copy, 0, 0, DUPLICATE_SAME_ACCESS)
        })?;
        // SAFETY: just made, for this value alone.
        Ok(Port(unsafe { OwnedHandle::from_raw_handle(copy) }))
    }

    /// Associates a file, whose completions arrive under `key` from now on.
    pub(super) fn associate(&self, file: HANDLE, key: usize) -> io::Result<()> {
        // SAFETY: both are handles; the call fails for others.
        let port = unsafe { CreateIoCompletionPort(file, self.0.as_raw_handle(), key, 0) };
        if port.is_null() { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Appends a packet.
    pub(super) fn post(&self, bytes: u32, key: usize, overlapped: *const OVERLAPPED) -> io::Result<()> {
        // SAFETY: the system passes the three values on, and does not read what the pointer points to.
        code::check(unsafe { PostQueuedCompletionStatus(self.0.as_raw_handle(), bytes, key, overlapped) })
    }

    /// Dequeues packets, and waits for the first one until `timeout` has passed; `None` waits indefinitely. Returns how
    /// many there are: none when the time is over. The system rounds the time to its tick, and may return early.
    pub(super) fn dequeue(&self, packets: &mut Packets, timeout: Option<Duration>) -> io::Result<usize> {
        let mut count = 0;
        // SAFETY: the system writes at most so many packets, and their number.
        let result = unsafe {
            GetQueuedCompletionStatusEx(
                self.0.as_raw_handle(),
                packets.as_mut_ptr(),
                BATCH as u32,
                &mut count,
                timeout.map_or(INFINITE, to_milliseconds),
                0,
            )
        };
        match code::check(result) {
            Ok(()) => Ok(count as usize),
            Err(error) if code::is(&error, WAIT_TIMEOUT) => Ok(0),
            Err(error) => Err(error),
        }
    }
}

/// Returns whole milliseconds that are not less; as many as the system takes.
fn to_milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(INFINITE).min(INFINITE - 1)
}
