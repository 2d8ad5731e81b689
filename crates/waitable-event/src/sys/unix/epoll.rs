//! The kernel's list of the descriptors that a poller waits for: an epoll.
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

use super::{descriptor, syscalls};
use crate::readiness::{Interest, Readiness, Ready, Trigger};

/// The number of events that one poll reads at most. The kernel reports the rest, round-robin, in the next one.
const BATCH: usize = 256;

/// A set of descriptors that the kernel polls.
#[derive(Debug)]
pub(crate) struct Selector(Epoll);

impl Selector {
    pub(crate) fn new() -> io::Result<Selector> {
        Ok(Selector(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        Ok(self.0.add(fd, EpollEvent::new(flags(interest, trigger), token))?)
    }

    pub(crate) fn modify(
        &self,
        fd: BorrowedFd<'_>,
        token: u64,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        Ok(self.0.modify(fd, &mut EpollEvent::new(flags(interest, trigger), token))?)
    }

    /// Removes a descriptor. One that is not there any more is no error: closing it removed it.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        match self.0.delete(fd) {
            Err(Errno::ENOENT | Errno::EBADF) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Calls `each` with every descriptor that is ready now. Never blocks.
    pub(crate) fn poll(&self, mut each: impl FnMut(Ready)) -> io::Result<()> {
        let mut events = [const { MaybeUninit::<epoll_event>::uninit() }; BATCH];
        // It does not sleep, so no signal interrupts it.
        for event in syscalls::epoll_poll(&self.0.0, &mut events)? {
            each(Ready { token: event.u64, readiness: readiness(EpollFlags::from_bits_truncate(event.events as i32)) });
        }
        Ok(())
    }
}

impl AsFd for Selector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}

/// Adds a descriptor to a foreign epoll, with its number as the data.
pub fn join_epoll(epoll: RawFd, fd: BorrowedFd<'_>) -> io::Result<()> {
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
        Trigger::Edge => EpollFlags::EPOLLET,
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
