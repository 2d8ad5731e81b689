//! `kqueue()` and `kevent()` on Linux, over one epoll with timerfds, so that the kqueue backend of waitable-event runs
//! in tests there. Nothing else may use it, and it is not published.
//!
//! The epoll is the descriptor that `kqueue()` returns. So it can be polled, and can sit in other epolls, as a kqueue
//! can be polled and can sit in other kqueues.
//!
//! **Where it differs from the real thing**, by kqueue(2) of FreeBSD 14 and macOS 14:
//!
//! * It has EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT (with NOTE_OOB, for any descriptor) and EVFILT_TIMER (with
//!   NOTE_NSECONDS). Other filters are EINVAL: there is no EVFILT_USER, EVFILT_SIGNAL, EVFILT_PROC or EVFILT_VNODE.
//! * EV_CLEAR is EINVAL for a descriptor.
//! * A timeout other than zero is EINVAL: `kevent()` does not sleep.
//! * `data` is zero. The real one has the number of bytes, the room in a pipe or how often a timer has fired.
//! * Regular files, directories and devices such as /dev/null are EPERM. The real one takes files and some devices.
//! * epoll's limits hold: five levels of nesting (ELOOP), and 500 ways to a descriptor (EINVAL). The real one has none
//!   of FreeBSD's, and macOS has a rule of its own.
//! * Events go when the *open file* is closed, and not when the number is: another number of the same file, also in
//!   another process, keeps them.
//! * An event that is disabled makes the kqueue readable once, when its descriptor hangs up, with nothing to report. A
//!   real kqueue stays readable, too, when what was pending is not any more, until it is read.
//! * A kqueue survives a fork, and is inherited by the child. The real one is not.
//! * Timers are exact, and take a descriptor each. macOS may delay them to save power; the backend asks it not to
//!   (NOTE_CRITICAL).
//! * Another epoll, such as libuv's, can be given in place of a kqueue. Then EVFILT_READ with EV_ADD is all that works,
//!   and the number of the descriptor becomes the data of its entry, as libuv has it.
//! * `close()` must be called for a kqueue, and not the system's: it also closes the timers.
#![cfg(target_os = "linux")]

mod queue;
mod registry;

use std::ffi::{c_int, c_void};
use std::slice;

use libc::timespec;

pub use registry::close;

/// `struct kevent`, as on macOS.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types, reason = "the name that it has in C")]
pub struct kevent {
    /// What the event is about: the number of a descriptor or of a timer.
    pub ident: usize,
    /// One of EVFILT_.
    pub filter: i16,
    /// Some of EV_.
    pub flags: u16,
    /// Some of NOTE_.
    pub fflags: u32,
    /// The time of a timer; the error of a receipt.
    pub data: isize,
    /// Passed through.
    pub udata: *mut c_void,
}

// SAFETY: the pointer is only passed through.
unsafe impl Send for kevent {}

/// The numbers of macOS.
pub const EVFILT_READ: i16 = -1;
/// See [`EVFILT_READ`].
pub const EVFILT_WRITE: i16 = -2;
/// See [`EVFILT_READ`].
pub const EVFILT_TIMER: i16 = -7;
/// See [`EVFILT_READ`].
pub const EVFILT_EXCEPT: i16 = -15;
/// See [`EVFILT_READ`].
pub const EV_ADD: u16 = 0x1;
/// See [`EVFILT_READ`].
pub const EV_DELETE: u16 = 0x2;
/// See [`EVFILT_READ`].
pub const EV_ENABLE: u16 = 0x4;
/// See [`EVFILT_READ`].
pub const EV_DISABLE: u16 = 0x8;
/// See [`EVFILT_READ`].
pub const EV_ONESHOT: u16 = 0x10;
/// See [`EVFILT_READ`].
pub const EV_CLEAR: u16 = 0x20;
/// See [`EVFILT_READ`].
pub const EV_RECEIPT: u16 = 0x40;
/// See [`EVFILT_READ`].
pub const EV_DISPATCH: u16 = 0x80;
/// See [`EVFILT_READ`].
pub const EV_EOF: u16 = 0x8000;
/// See [`EVFILT_READ`].
pub const EV_ERROR: u16 = 0x4000;
/// See [`EVFILT_READ`].
pub const NOTE_OOB: u32 = 0x2;
/// See [`EVFILT_READ`].
pub const NOTE_NSECONDS: u32 = 0x4;

fn fail(errno: c_int) -> c_int {
    // SAFETY: the address of this thread's errno.
    unsafe { *libc::__errno_location() = errno };
    -1
}

/// `kqueue(2)`.
///
/// # Safety
///
/// None is needed; the real one is a foreign function.
pub unsafe fn kqueue() -> c_int {
    registry::open().unwrap_or_else(fail)
}

/// `kevent(2)`.
///
/// # Safety
///
/// The lists have the lengths that are given, and may be the same memory. `timeout` is null or can be read.
pub unsafe fn kevent(
    kqueue: c_int,
    changes: *const kevent,
    change_count: c_int,
    events: *mut kevent,
    event_count: c_int,
    timeout: *const timespec,
) -> c_int {
    // SAFETY: the caller's contract.
    let is_now = unsafe { timeout.as_ref() }.is_some_and(|timeout| timeout.tv_sec == 0 && timeout.tv_nsec == 0);
    if !is_now {
        return fail(libc::EINVAL);
    }
    let (change_count, capacity) = (change_count.max(0) as usize, event_count.max(0) as usize);
    // Copied: the lists may be the same memory.
    let changes = match change_count {
        0 => Vec::new(),
        // SAFETY: the caller's contract.
        count => unsafe { slice::from_raw_parts(changes, count) }.to_vec(),
    };
    match registry::kevent(kqueue, &changes, capacity) {
        Ok(reports) => {
            for (index, report) in reports.iter().enumerate() {
                // SAFETY: the caller's contract; there are no more reports than `capacity`.
                unsafe { events.add(index).write(*report) };
            }
            reports.len() as c_int
        }
        Err(errno) => fail(errno),
    }
}
