//! Keeps the promise that one descriptor stands for thousands, whose readiness costs nothing to ask for: a kqueue, and
//! the two system calls that it has.
//!
//! **Nesting.** A kqueue can hold others, and is readable while one of its events is pending. FreeBSD sets no limit.
//! macOS refuses (EINVAL) to add a kqueue to one that is itself held at a lower level: a run loop that holds a foreign
//! kqueue cannot join a reactor. FreeBSD and macOS count no ways, as epoll does. A kqueue whose events are not pending
//! any more stays readable until it is read, which finds nothing: that is a wake-up too many, and none too few.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::{ptr, slice};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc::{c_int, c_void, timespec};

#[cfg(waitable_kqueue_stand_in)]
pub(super) use kqueue_stand_in as system;
#[cfg(not(waitable_kqueue_stand_in))]
pub(super) use nix::libc as system;

pub(super) use system::kevent as Event;
use system::{EV_ADD, EV_ERROR, EV_RECEIPT, EVFILT_READ};

use crate::sys::unix::descriptor;

/// An open kqueue.
#[derive(Debug)]
pub(super) struct Kqueue(RawFd);

impl Kqueue {
    pub(super) fn new() -> io::Result<Kqueue> {
        // SAFETY: makes a descriptor.
        let kqueue = Kqueue(Errno::result(unsafe { system::kqueue() })?);
        fcntl(kqueue.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        Ok(kqueue)
    }

    /// Makes changes, and returns the error of each, or zero. Reads no event.
    pub(super) fn change<const COUNT: usize>(&self, changes: [Event; COUNT]) -> io::Result<[c_int; COUNT]> {
        let mut changes = changes;
        change(self.0, &mut changes)?;
        // A receipt has the error in its data; every errno fits.
        Ok(changes.map(|receipt| receipt.data as c_int))
    }

    /// As [`Kqueue::change`], and returns the first error.
    pub(super) fn change_all(&self, changes: &mut [Event]) -> io::Result<()> {
        change(self.0, changes)?;
        match changes.iter().find(|receipt| receipt.data != 0) {
            Some(receipt) => Err(io::Error::from_raw_os_error(receipt.data as c_int)),
            None => Ok(()),
        }
    }

    /// Returns what is pending now, in memory that need not be initialised. Does not sleep.
    pub(super) fn poll<'a>(&self, events: &'a mut [MaybeUninit<Event>]) -> io::Result<&'a [Event]> {
        let now = timespec { tv_sec: 0, tv_nsec: 0 };
        let length = c_int::try_from(events.len()).unwrap_or(c_int::MAX);
        // SAFETY: the kernel writes at most so many events.
        let count =
            Errno::result(unsafe { system::kevent(self.0, ptr::null(), 0, events.as_mut_ptr().cast(), length, &now) })?;
        // SAFETY: the kernel has written so many.
        Ok(unsafe { slice::from_raw_parts(events.as_ptr().cast(), usize::try_from(count).unwrap_or(0)) })
    }
}

impl AsFd for Kqueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: open for as long as this lives.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

impl Drop for Kqueue {
    fn drop(&mut self) {
        // SAFETY: this owns the descriptor.
        unsafe { system::close(self.0) };
    }
}

/// Makes changes, and writes a receipt over each.
fn change(kqueue: RawFd, changes: &mut [Event]) -> io::Result<()> {
    for change in changes.iter_mut() {
        change.flags |= EV_RECEIPT;
    }
    let now = timespec { tv_sec: 0, tv_nsec: 0 };
    let length = c_int::try_from(changes.len()).unwrap_or(c_int::MAX);
    // SAFETY: the kernel reads so many changes, and writes a receipt for each: there is no room for an event. The lists
    // may be the same memory, which the manual pages allow.
    let count =
        Errno::result(unsafe { system::kevent(kqueue, changes.as_ptr(), length, changes.as_mut_ptr(), length, &now) })?;
    debug_assert_eq!(count, length);
    debug_assert!(changes.iter().all(|receipt| receipt.flags & EV_ERROR != 0));
    Ok(())
}

/// Returns an event, or a change.
pub(super) fn event(ident: usize, filter: i16, flags: u16) -> Event {
    // SAFETY: a structure of numbers and a pointer, all of which may be zero. Its members differ between systems.
    let mut event: Event = unsafe { MaybeUninit::zeroed().assume_init() };
    event.ident = ident;
    event.filter = filter;
    event.flags = flags;
    event.udata = ptr::null_mut::<c_void>();
    event
}

/// Returns false: no kqueue counts the ways to a descriptor.
pub fn has_too_many_paths(_error: &io::Error) -> bool {
    false
}

/// Adds a descriptor to the kqueue of libuv's loop, in the way that libuv does it.
///
/// # Errors
///
/// EINVAL when macOS does not let it nest.
pub fn join_loop(kqueue: RawFd, fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: it goes to kevent() alone, which answers EBADF for what is no kqueue.
    let kqueue = unsafe { descriptor::borrow(kqueue) }?;
    let mut changes = [event(fd.as_raw_fd() as usize, EVFILT_READ, EV_ADD)];
    change(kqueue.as_raw_fd(), &mut changes)?;
    match changes[0].data {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error as c_int)),
    }
}
