//! Where other threads post to a thread's event loop: libuv does not tell, and these systems do not either. So a
//! blocked wait looks at intervals (`unix/parker.rs`).

use std::convert::Infallible;
use std::io;
use std::os::fd::RawFd;

use nix::poll::PollFd;

/// There is none.
#[derive(Debug)]
pub(crate) struct LoopEventfd(Infallible);

/// What came of a search.
#[derive(Debug)]
#[allow(dead_code, reason = "Linux finds what is found nowhere here")]
pub(crate) enum Search {
    /// What the loop watches for posts.
    Found(LoopEventfd),
    /// The loop has not polled yet.
    NotYet,
    /// The system does not tell.
    Unknown,
}

impl LoopEventfd {
    /// Returns `Unknown`.
    pub(crate) fn search(_backend: RawFd) -> Search {
        Search::Unknown
    }
}

/// The posts that a sleeper keeps from the loop until the sleep ends.
#[derive(Debug)]
pub(crate) struct Posts<'a>(&'a LoopEventfd);

impl<'a> Posts<'a> {
    pub(crate) fn new(eventfd: &'a LoopEventfd) -> Posts<'a> {
        Posts(eventfd)
    }

    pub(crate) fn poll_fd<'fd>(&self) -> io::Result<PollFd<'fd>> {
        match self.0.0 {}
    }

    pub(crate) fn read(&mut self) -> io::Result<()> {
        match self.0.0 {}
    }
}
