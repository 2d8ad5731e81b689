//! Keeps the promise that a blocked wait wakes only when there is a reason: the eventfd by which other threads post to
//! a thread's event loop, watched in place of the loop.
//!
//! The loop's own descriptor says nothing new once it is readable. This one does: a sleeper reads it, and the next post
//! makes it readable again. What was read is written back when the sleep ends, so the loop still learns of the posts.
//!
//! **Why the loop loses nothing.** The loop belongs to the thread that sleeps, so it cannot turn meanwhile. libuv does
//! not use the number that it reads: a readable eventfd tells it only to go through its handles, each of which knows
//! whether it was posted to. One write is enough for all posts. It reaches both kinds of libuv:
//!
//! * Nearly all versions watch the eventfd level-triggered, and read it. The write makes it readable.
//! * 1.49.0 watches it edge-triggered, and never reads it. The write is an edge, also where the number was not zero.
//!
//! libuv may have called this thread from within its list of ready descriptors, with the eventfd further down in the
//! list. It then reads what was written back.

use std::fs;
use std::io;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};

use super::syscalls;
use crate::sys::unix::descriptor::borrow;
use crate::sys::unix::retry::retry;

/// The number of the eventfd that an event loop watches. It is open for as long as the loop lives.
#[derive(Debug)]
pub(crate) struct LoopEventfd(RawFd);

/// What came of a search.
#[derive(Debug)]
pub(crate) enum Search {
    /// The loop watches one eventfd, which is the one for posts.
    Found(LoopEventfd),
    /// The loop watches none: it has not polled yet.
    NotYet,
    /// It watches several, or the system does not tell.
    Unknown,
}

impl LoopEventfd {
    /// Looks for the eventfd among the descriptors that the epoll `backend` watches.
    pub(crate) fn search(backend: RawFd) -> Search {
        let Ok(info) = fs::read_to_string(format!("/proc/self/fdinfo/{backend}")) else {
            return Search::Unknown;
        };
        // "tfd:       13 events:       19 data: …", a line for each descriptor.
        let watched =
            info.lines().filter_map(|line| line.strip_prefix("tfd:")?.split_whitespace().next()?.parse().ok());
        let mut eventfds = watched.filter(|fd| is_eventfd(*fd));
        match (eventfds.next(), eventfds.next()) {
            (Some(fd), None) => Search::Found(LoopEventfd(fd)),
            (None, _) => Search::NotYet,
            (Some(_), Some(_)) => Search::Unknown,
        }
    }
}

fn is_eventfd(fd: RawFd) -> bool {
    fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|file| file.as_os_str() == "anon_inode:[eventfd]")
}

/// The posts that a sleeper keeps from the loop until the sleep ends.
///
/// A sleep within a sleep has posts of its own. What it writes back at its end, the outer sleep reads again.
#[derive(Debug)]
pub(crate) struct Posts<'a> {
    eventfd: &'a LoopEventfd,
    has_read: bool,
}

impl<'a> Posts<'a> {
    /// Returns the posts of a sleep that has read none yet.
    pub(crate) fn new(eventfd: &'a LoopEventfd) -> Posts<'a> {
        Posts { eventfd, has_read: false }
    }

    /// Returns the entry for ppoll().
    pub(crate) fn poll_fd<'fd>(&self) -> io::Result<PollFd<'fd>> {
        // SAFETY: the number goes to ppoll() alone, which answers POLLNVAL when it is not open.
        Ok(PollFd::new(unsafe { borrow(self.eventfd.0) }?, PollFlags::POLLIN))
    }

    /// Reads the posts that ppoll() has reported. It then reports the next one.
    pub(crate) fn read(&mut self) -> io::Result<()> {
        // SAFETY: read() answers EBADF for a number that is not open.
        let fd = unsafe { borrow(self.eventfd.0) }?;
        match retry(|| syscalls::read(fd, &mut [0; size_of::<u64>()])) {
            Ok(_) => self.has_read = true,
            // Foreign code has read them.
            Err(error) if error.raw_os_error() == Some(Errno::EAGAIN as i32) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Drop for Posts<'_> {
    fn drop(&mut self) {
        if self.has_read {
            // SAFETY: write() answers EBADF for a number that is not open.
            if let Ok(fd) = unsafe { borrow(self.eventfd.0) } {
                // Fails when the counter is full, and then the eventfd is readable.
                let _ = syscalls::write(fd, &1_u64.to_ne_bytes());
            }
        }
    }
}
