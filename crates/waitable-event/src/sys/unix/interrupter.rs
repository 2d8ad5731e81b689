//! Keeps the promise that another thread, or the thread's own event loop, ends the sleep of a thread: by descriptors
//! that it polls beside the doorbell.

use std::io;
use std::os::fd::{AsFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use nix::poll::{PollFd, PollFlags};

use super::descriptor;
use super::waker::Waker;
use crate::park::Wake;
use crate::sys::native::{LoopEventfd, Search};

/// What a thread polls beside the doorbell whenever it sleeps: its waker and, where there is one, the descriptor of its
/// own event loop.
///
/// The loop's descriptor stays readable while the loop has work that it cannot do because its thread sleeps here. It is
/// polled until it becomes readable. From then on it says nothing new. The sleeper then watches the eventfd by which
/// others post to the loop, or looks at intervals ([`Parker`](super::Parker)).
#[derive(Debug)]
pub struct Interrupter {
    waker: Waker,
    backend: Option<RawFd>,
    /// The loop's eventfd, or that it cannot be known; empty until a search had a result.
    eventfd: OnceLock<Option<LoopEventfd>>,
    /// Whether the loop was readable when it was polled last. It is the thread's own, as is the count; neither orders
    /// anything.
    is_loop_readable: AtomicBool,
    /// How often wake-ups were consumed.
    consumed: AtomicU32,
}

impl Interrupter {
    /// Returns an interrupter with its waker.
    pub fn new() -> io::Result<Interrupter> {
        Ok(Interrupter {
            waker: Waker::new()?,
            backend: None,
            eventfd: OnceLock::new(),
            is_loop_readable: AtomicBool::new(false),
            consumed: AtomicU32::new(0),
        })
    }

    /// Returns an interrupter that watches the descriptor of the thread's event loop as well.
    pub fn with_loop(backend: RawFd) -> io::Result<Interrupter> {
        Ok(Interrupter { backend: Some(backend), ..Interrupter::new()? })
    }

    /// Returns the entries for ppoll(), to be the last ones of its list: the waker, then the loop.
    pub(super) fn poll_fds(&self) -> io::Result<[PollFd<'_>; 2]> {
        let waker = self.waker.as_fd();
        let backend = match self.backend {
            // SAFETY: the number goes to ppoll() alone, which answers POLLNVAL when it is not open. The event loop
            // outlives the interrupter, which the loop's thread owns.
            Some(backend) => unsafe { descriptor::borrow(backend) }?,
            // `polls_loop()` has it left out.
            None => waker,
        };
        Ok([PollFd::new(waker, PollFlags::POLLIN), PollFd::new(backend, PollFlags::POLLIN)])
    }

    /// Returns whether the loop is to be polled: there is one, and it was not readable before.
    pub(super) fn polls_loop(&self) -> bool {
        self.backend.is_some() && !self.is_loop_readable()
    }

    /// Returns whether the loop was readable when it was polled last.
    pub(super) fn is_loop_readable(&self) -> bool {
        self.is_loop_readable.load(Ordering::Relaxed)
    }

    /// Notes whether the loop is readable.
    pub(super) fn set_loop_readable(&self, is_readable: bool) {
        self.is_loop_readable.store(is_readable, Ordering::Relaxed);
    }

    /// Returns whether the loop is known to have polled its descriptors. Before it has, it shows no post.
    pub fn has_loop_polled(&self) -> bool {
        self.loop_eventfd().is_some()
    }

    /// Returns the eventfd by which others post to the loop, where it is known.
    pub(super) fn loop_eventfd(&self) -> Option<&LoopEventfd> {
        if self.eventfd.get().is_none() {
            match LoopEventfd::search(self.backend?) {
                Search::Found(eventfd) => drop(self.eventfd.set(Some(eventfd))),
                Search::Unknown => drop(self.eventfd.set(None)),
                Search::NotYet => {}
            }
        }
        self.eventfd.get()?.as_ref()
    }

    /// Consumes the calls of the waker.
    pub(super) fn consume(&self) {
        self.waker.drain();
        self.consumed.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how often wake-ups were consumed. When the number has changed, a sleep within this one may have consumed
    /// a wake-up that was meant for both.
    pub(super) fn consumed(&self) -> u32 {
        self.consumed.load(Ordering::Relaxed)
    }
}

impl Wake for Interrupter {
    fn wake(&self) {
        self.waker.wake();
    }
}
