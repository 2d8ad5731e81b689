//! Keeps the promise that one descriptor stands for thousands, whose readiness costs nothing to ask for: an epoll.
//!
//! **Nesting.** Linux lets epolls hold each other five levels deep (ELOOP). It counts the ways from an open file
//! description up to those epolls that no other epoll holds: it takes any number of ways through one epoll, 500 through
//! two, 100 through three, 50 through four and 10 through five (EINVAL). A descriptor of the user in a run loop passes
//! the loop's epoll, the reactor's and libuv's. The kernel counts when something is added, for everything beneath it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::libc::{EPOLL_CTL_ADD, EPOLLIN, epoll_ctl, epoll_event};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::syscalls;
use crate::readiness::{Interest, Readiness, Trigger};
use crate::sys::unix::descriptor;

/// The number of events that one poll reads at most. The kernel reports the rest, round-robin, in the next one.
const BATCH: usize = 256;

/// A set of descriptors that the kernel polls.
#[derive(Debug)]
pub(super) struct EpollSet(Epoll);

impl EpollSet {
    pub(super) fn new() -> io::Result<EpollSet> {
        Ok(EpollSet(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    pub(super) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        Ok(self.0.add(fd, EpollEvent::new(flags(interest, trigger), token))?)
    }

    /// Adds a descriptor of the selector's own. Each time that it becomes readable is reported once, so nothing need be
    /// read from it.
    pub(super) fn add_edge_triggered(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        Ok(self.0.add(fd, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, token))?)
    }

    pub(super) fn modify(
        &self,
        fd: BorrowedFd<'_>,
        token: u64,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        Ok(self.0.modify(fd, &mut EpollEvent::new(flags(interest, trigger), token))?)
    }

    /// Removes a descriptor. One that is not there any more is no error: closing it removed it.
    pub(super) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        match self.0.delete(fd) {
            Err(Errno::ENOENT | Errno::EBADF) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Calls `each` with the token and the readiness of every descriptor that is ready now. Never blocks.
    pub(super) fn poll(&self, mut each: impl FnMut(u64, Readiness)) -> io::Result<()> {
        let mut events = [const { MaybeUninit::<epoll_event>::uninit() }; BATCH];
        // It does not sleep, so no signal interrupts it.
        for event in syscalls::epoll_poll(&self.0.0, &mut events)? {
            each(event.u64, readiness(EpollFlags::from_bits_truncate(event.events as i32)));
        }
        Ok(())
    }
}

impl AsFd for EpollSet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}

/// Returns whether an error of adding a descriptor says that it, or one that it holds, is in so many epolls that the
/// kernel takes no more. Another open file description of the same pipe is taken.
pub fn has_too_many_paths(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EINVAL as i32)
}

/// Adds a descriptor to the epoll of libuv's loop, in the way that libuv does it: with its number as the data.
///
/// # Errors
///
/// EEXIST when it is there already. ELOOP and EINVAL as above.
pub fn join_loop(epoll: RawFd, fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: it goes to epoll_ctl() alone, which answers EBADF or EINVAL for what is no epoll.
    let epoll = unsafe { descriptor::borrow(epoll) }?;
    let mut event = epoll_event { events: EPOLLIN as u32, u64: fd.as_raw_fd() as u64 };
    // SAFETY: the kernel reads the event.
    Errno::result(unsafe { epoll_ctl(epoll.as_raw_fd(), EPOLL_CTL_ADD, fd.as_raw_fd(), &mut event) })?;
    Ok(())
}

fn flags(interest: Interest, trigger: Trigger) -> EpollFlags {
    let mut flags = match trigger {
        Trigger::Level => EpollFlags::empty(),
        Trigger::OneShot => EpollFlags::EPOLLONESHOT,
    };
    flags.set(EpollFlags::EPOLLIN, interest.readable);
    flags.set(EpollFlags::EPOLLOUT, interest.writable);
    flags.set(EpollFlags::EPOLLPRI, interest.priority);
    flags
}

fn readiness(events: EpollFlags) -> Readiness {
    Readiness {
        readable: events.contains(EpollFlags::EPOLLIN),
        writable: events.contains(EpollFlags::EPOLLOUT),
        priority: events.contains(EpollFlags::EPOLLPRI),
        hang_up: events.contains(EpollFlags::EPOLLHUP),
        error: events.contains(EpollFlags::EPOLLERR),
    }
}
