//! The kernel's list of the descriptors that a poller waits for: an epoll.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc::epoll_event;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::syscalls;
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
