//! How another thread, or the thread's own event loop, ends the sleep of a thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::descriptor;
use super::eventfd::Waker;
use super::retry::retry;
use crate::park::Wake;

const WAKER: u64 = 0;
const LOOP: u64 = 1;

/// A descriptor that a thread polls beside the doorbell whenever it sleeps: a private epoll. It holds the thread's
/// waker and, where there is one, the descriptor of the thread's own event loop.
///
/// Both are edge-triggered. The loop's descriptor stays readable while the loop has work that it cannot do because its
/// thread sleeps here. Only *new* work may end the sleep. (An epoll reports an edge for each new event of an epoll that
/// it holds, also when that one was readable before.)
#[derive(Debug)]
pub struct Interrupter {
    epoll: Epoll,
    waker: Waker,
}

/// What has happened since the last [`Interrupter::consume`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interruption {
    /// The waker was called.
    pub woken: bool,
    /// The event loop of this thread has something new: perhaps the order to end the thread.
    pub loop_is_ready: bool,
}

impl Interrupter {
    /// Returns an interrupter with its waker.
    pub fn new() -> io::Result<Interrupter> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let waker = Waker::new()?;
        epoll.add(&waker, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, WAKER))?;
        Ok(Interrupter { epoll, waker })
    }

    /// Watches the descriptor of the thread's event loop as well, until the interrupter is dropped.
    pub fn watch_loop(&self, backend: RawFd) -> io::Result<()> {
        // SAFETY: the number goes to epoll_ctl() alone, which answers EBADF when it is not open. The event loop
        // outlives the interrupter, which the loop's thread owns.
        let backend = unsafe { descriptor::borrow(backend) }?;
        self.epoll.add(backend, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, LOOP))?;
        Ok(())
    }

    /// Consumes the edges, and returns what they stood for.
    pub fn consume(&self) -> io::Result<Interruption> {
        let mut events = [EpollEvent::empty(); 2];
        let count = retry(|| self.epoll.wait(&mut events, EpollTimeout::ZERO))?;
        let mut interruption = Interruption::default();
        for event in &events[..count] {
            interruption.woken |= event.data() == WAKER;
            interruption.loop_is_ready |= event.data() == LOOP;
        }
        Ok(interruption)
    }
}

impl AsFd for Interrupter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

impl Wake for Interrupter {
    fn wake(&self) {
        self.waker.wake();
    }
}
