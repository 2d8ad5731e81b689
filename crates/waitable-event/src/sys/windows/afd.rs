//! Keeps the promise that sockets of the caller are members of a poller: the driver beneath Winsock says when a socket
//! is ready, by the end of an operation.
//!
//! The operation is the one by which `select()`, `WSAPoll()` and libuv's `uv_poll_t` ask. It ends as soon as the socket
//! is ready for what was asked, and is begun again when a watcher has found the socket not ready any more.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use slab::Slab;
use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{FILE_OPEN, NtCreateFile};
use windows_sys::Wdk::System::IO::NtDeviceIoControlFile;
use windows_sys::Win32::Foundation::{HANDLE, NTSTATUS, RtlNtStatusToDosError, STATUS_PENDING, UNICODE_STRING};
use windows_sys::Win32::Networking::WinSock::{
    POLLERR, POLLHUP, POLLNVAL, POLLRDBAND, POLLRDNORM, POLLWRNORM, SIO_BASE_HANDLE, SOCKET, WSAIoctl, WSAPOLLFD,
    WSAPoll,
};
use windows_sys::Win32::Storage::FileSystem::{FILE_SHARE_READ, FILE_SHARE_WRITE, SYNCHRONIZE};
use windows_sys::Win32::System::IO::{CancelIoEx, IO_STATUS_BLOCK, OVERLAPPED};

use super::code;
use super::operations::{Ended, Operation, associate};
use super::source::Source;
use crate::park::Wake;
use crate::readiness::{Interest, Readiness};
use crate::sync::lock;

const IOCTL_AFD_POLL: u32 = 0x0001_2024;

const AFD_POLL_RECEIVE: u32 = 0x0001;
const AFD_POLL_RECEIVE_EXPEDITED: u32 = 0x0002;
const AFD_POLL_SEND: u32 = 0x0004;
const AFD_POLL_DISCONNECT: u32 = 0x0008;
const AFD_POLL_ABORT: u32 = 0x0010;
const AFD_POLL_LOCAL_CLOSE: u32 = 0x0020;
const AFD_POLL_ACCEPT: u32 = 0x0080;
const AFD_POLL_CONNECT_FAIL: u32 = 0x0100;

/// What the driver reads and writes: `AFD_POLL_INFO`, for one socket.
#[repr(C)]
struct PollInfo {
    timeout: i64,
    number_of_handles: u32,
    exclusive: u32,
    handle: HANDLE,
    events: u32,
    status: NTSTATUS,
}

/// A socket, which the caller owns.
pub(super) struct Socket {
    socket: SOCKET,
    polls: Mutex<Slab<Arc<Poll>>>,
}

impl Socket {
    pub(super) fn new(socket: SOCKET) -> Socket {
        Socket { socket, polls: Mutex::default() }
    }
}

impl Source for Socket {
    fn readiness(&self, interest: Interest) -> Readiness {
        let is_unknown = Readiness { error: true, ..Readiness::default() };
        look(&[(self.socket, interest)]).ok().and_then(|seen| seen.first().copied()).unwrap_or(is_unknown)
    }

    fn socket(&self) -> Option<SOCKET> {
        Some(self.socket)
    }

    fn watch(&self, watcher: Arc<dyn Wake>, interest: Interest) -> usize {
        let poll = Poll::new(self.socket, watcher, interest);
        let watch = lock(&self.polls).insert(poll.clone());
        poll.begin();
        watch
    }

    fn unwatch(&self, watch: usize) {
        if let Some(poll) = lock(&self.polls).try_remove(watch) {
            poll.end();
        }
    }

    fn rearm(&self, watch: usize, interest: Interest) {
        let poll = lock(&self.polls).get(watch).cloned();
        if let Some(poll) = poll {
            poll.change(interest);
        }
    }

    fn may_hang_up(&self) -> bool {
        true
    }
}

/// Returns what sockets are ready for now, in their order.
pub(super) fn look(sockets: &[(SOCKET, Interest)]) -> io::Result<Vec<Readiness>> {
    let to_poll = |&(fd, interest): &(SOCKET, Interest)| {
        let mut events = 0;
        for (is_wanted, event) in
            [(interest.readable, POLLRDNORM), (interest.writable, POLLWRNORM), (interest.priority, POLLRDBAND)]
        {
            if is_wanted {
                events |= event;
            }
        }
        WSAPOLLFD { fd, events, revents: 0 }
    };
    let mut polls: Vec<WSAPOLLFD> = sockets.iter().map(to_poll).collect();
    let count = u32::try_from(polls.len()).unwrap_or(u32::MAX);
    // SAFETY: so many entries. The call does not wait.
    if count > 0 && unsafe { WSAPoll(polls.as_mut_ptr(), count, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let to_readiness = |(poll, (_, interest)): (&WSAPOLLFD, &(SOCKET, Interest))| {
        let has = |event| poll.revents & event != 0;
        Readiness {
            // The end of a connection is there to be read.
            readable: has(POLLRDNORM) || (interest.readable && has(POLLHUP)),
            writable: has(POLLWRNORM),
            priority: has(POLLRDBAND),
            hang_up: has(POLLHUP),
            error: has(POLLERR | POLLNVAL),
        }
    };
    Ok(polls.iter().zip(sockets).map(to_readiness).collect())
}

impl Drop for Socket {
    fn drop(&mut self) {
        let polls = self.polls.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        polls.drain().for_each(|poll| poll.end());
    }
}

/// What one watcher wants to know of a socket.
struct Poll {
    this: Weak<Poll>,
    base: SOCKET,
    watcher: Arc<dyn Wake>,
    state: Mutex<State>,
}

struct State {
    interest: Interest,
    /// The address of the operation that is under way. It is a name, by which it is cancelled, and is not used as an
    /// address. (A new operation may have it already. A watcher that is woken for that reason finds nothing.)
    under_way: Option<usize>,
    /// Whether the operation that is under way asks for something else than what is wanted now.
    is_outdated: bool,
    has_ended: bool,
}

impl Poll {
    fn new(socket: SOCKET, watcher: Arc<dyn Wake>, interest: Interest) -> Arc<Poll> {
        let state = State { interest, under_way: None, is_outdated: false, has_ended: false };
        let base = base_of(socket);
        Arc::new_cyclic(|this| Poll { this: this.clone(), base, watcher, state: Mutex::new(state) })
    }

    /// Begins the operation, unless it is under way. When the driver refuses, the watcher is woken: it finds out why.
    fn begin(&self) {
        let is_refused = {
            let mut state = lock(&self.state);
            self.begin_locked(&mut state).is_err()
        };
        if is_refused {
            self.watcher.wake();
        }
    }

    fn begin_locked(&self, state: &mut State) -> io::Result<()> {
        let Some(this) = self.this.upgrade() else { return Ok(()) };
        if state.under_way.is_some() || state.has_ended {
            return Ok(());
        }
        let driver = driver()?;
        let handle = self.base as HANDLE;
        let events = to_events(state.interest);
        let info = PollInfo { timeout: i64::MAX, number_of_handles: 1, exclusive: 0, handle, events, status: 0 };
        let begun = Operation::begin(this, info, |overlapped, info| poll(driver.as_raw_handle(), overlapped, info))?;
        state.under_way = Some(begun.addr());
        state.is_outdated = false;
        Ok(())
    }

    /// Has the watcher woken when the socket is ready for `interest`.
    fn change(&self, interest: Interest) {
        let is_refused = {
            let mut state = lock(&self.state);
            let is_other = state.interest != interest;
            state.interest = interest;
            match state.under_way {
                Some(operation) if is_other => {
                    state.is_outdated = true;
                    cancel(operation);
                    false
                }
                Some(_) => false,
                None => self.begin_locked(&mut state).is_err(),
            }
        };
        if is_refused {
            self.watcher.wake();
        }
    }

    fn end(&self) {
        let mut state = lock(&self.state);
        state.has_ended = true;
        if let Some(operation) = state.under_way {
            cancel(operation);
        }
    }
}

impl Ended for Poll {
    fn ended(&self) {
        {
            let mut state = lock(&self.state);
            state.under_way = None;
            if state.has_ended || (state.is_outdated && self.begin_locked(&mut state).is_ok()) {
                return;
            }
        }
        self.watcher.wake();
    }
}

fn to_events(interest: Interest) -> u32 {
    let mut events = AFD_POLL_ABORT | AFD_POLL_LOCAL_CLOSE;
    if interest.readable {
        events |= AFD_POLL_RECEIVE | AFD_POLL_ACCEPT | AFD_POLL_DISCONNECT;
    }
    if interest.writable {
        events |= AFD_POLL_SEND | AFD_POLL_CONNECT_FAIL;
    }
    if interest.priority {
        events |= AFD_POLL_RECEIVE_EXPEDITED;
    }
    events
}

/// Returns the socket beneath those that layered providers put above it.
fn base_of(socket: SOCKET) -> SOCKET {
    let (mut base, mut count): (SOCKET, u32) = (0, 0);
    // SAFETY: the call writes one socket, and the number of its bytes.
    let result = unsafe {
        let size = size_of::<SOCKET>() as u32;
        let base: *mut c_void = (&raw mut base).cast();
        WSAIoctl(socket, SIO_BASE_HANDLE, ptr::null(), 0, base, size, &mut count, ptr::null_mut(), None)
    };
    if result == 0 { base } else { socket }
}

/// Begins an operation of the driver.
fn poll(driver: HANDLE, overlapped: *mut OVERLAPPED, info: *mut PollInfo) -> io::Result<()> {
    // SAFETY: the driver writes the status to the beginning of the operation, which has the same form there, and the
    // events to the info. Both live until the end was dequeued; that is found by the operation's address.
    let status = unsafe {
        let status: *mut IO_STATUS_BLOCK = overlapped.cast();
        let (info, size) = (info.cast::<c_void>(), size_of::<PollInfo>() as u32);
        NtDeviceIoControlFile(
            driver,
            ptr::null_mut(),
            None,
            overlapped.cast(),
            status,
            IOCTL_AFD_POLL,
            info,
            size,
            info,
            size,
        )
    };
    if status == STATUS_PENDING { Ok(()) } else { to_result(status) }
}

fn to_result(status: NTSTATUS) -> io::Result<()> {
    // SAFETY: the call takes a number.
    if status >= 0 { Ok(()) } else { Err(code::error(unsafe { RtlNtStatusToDosError(status) })) }
}

/// Ends the operation with an address, if it is under way still.
fn cancel(operation: usize) {
    if let Ok(driver) = driver() {
        // SAFETY: the driver is open. The address is compared, and not used.
        unsafe { CancelIoEx(driver.as_raw_handle(), ptr::without_provenance(operation)) };
    }
}

/// Returns a handle of the driver, which is open as long as the process runs.
fn driver() -> io::Result<&'static OwnedHandle> {
    static DRIVER: OnceLock<OwnedHandle> = OnceLock::new();
    if let Some(driver) = DRIVER.get() {
        return Ok(driver);
    }
    let fresh = open_driver()?;
    associate(fresh.as_raw_handle())?;
    Ok(DRIVER.get_or_init(|| fresh))
}

fn open_driver() -> io::Result<OwnedHandle> {
    let mut name: Vec<u16> = r"\Device\Afd\waitable-event".encode_utf16().collect();
    let length = u16::try_from(name.len() * size_of::<u16>()).unwrap_or(0);
    let name = UNICODE_STRING { Length: length, MaximumLength: length, Buffer: name.as_mut_ptr() };
    let attributes = OBJECT_ATTRIBUTES {
        Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
        ObjectName: &name,
        ..OBJECT_ATTRIBUTES::default()
    };
    let (mut driver, mut status) = (ptr::null_mut(), IO_STATUS_BLOCK::default());
    // SAFETY: the call reads the attributes and the name, and writes a handle and a status.
    to_result(unsafe {
        NtCreateFile(
            &mut driver,
            SYNCHRONIZE,
            &attributes,
            &mut status,
            ptr::null(),
            0,
            FILE_SHARE_READ | FILE_SHARE_WRITE,
            FILE_OPEN,
            0,
            ptr::null(),
            0,
        )
    })?;
    // SAFETY: just made, for this value alone.
    Ok(unsafe { OwnedHandle::from_raw_handle(driver) })
}
