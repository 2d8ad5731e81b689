//! Keeps the promises of a poller on any system that has poll(): for kernels and sandboxes that refuse what the native
//! one needs. Its descriptor is a doorbell, which a thread of ours makes readable (`poll_watcher.rs`).
//!
//! It costs a switch of threads for each wake-up. A descriptor that was closed, and whose number is another one's of
//! the same file by now, is not told from the old one.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use super::poll_state::Shared;
use super::poll_watcher::Watcher;
use super::waker::Waker;
use crate::deadline::Deadline;
use crate::readiness::{Interest, Polled, Ready, Trigger};

/// See `selector.rs`.
pub(crate) struct PollSelector {
    shared: Arc<Shared>,
    watcher: &'static Watcher,
}

impl PollSelector {
    /// The name by which `WAITABLE_EVENT_POLLER` asks for it.
    pub(crate) const NAME: &str = "poll";

    pub(crate) fn new() -> io::Result<PollSelector> {
        let shared = Arc::new(Shared::new()?);
        let watcher = Watcher::get()?;
        watcher.add(Arc::downgrade(&shared));
        Ok(PollSelector { shared, watcher })
    }

    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        self.shared.add(fd, token, interest, trigger).map(|wakes| self.wake_if(wakes))
    }

    pub(crate) fn modify(
        &self,
        fd: BorrowedFd<'_>,
        token: u64,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        self.shared.modify(fd, token, interest, trigger).map(|wakes| self.wake_if(wakes))
    }

    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.wake_if(self.shared.remove(fd.as_raw_fd()));
        Ok(())
    }

    pub(crate) fn set_alarm(&self, delay: Option<Duration>) -> io::Result<()> {
        let alarm = delay.map_or(Deadline::NEVER, |delay| Deadline::after(Some(delay)));
        self.wake_if(self.shared.set_alarm(alarm));
        Ok(())
    }

    pub(crate) fn watch_clock(&self) -> io::Result<()> {
        self.wake_if(self.shared.watch_clock());
        Ok(())
    }

    pub(crate) fn waker(&self) -> &Arc<Waker> {
        &self.shared.waker
    }

    pub(crate) fn poll(&self, each: impl FnMut(Ready)) -> io::Result<Polled> {
        let (polled, wakes) = self.shared.poll(each)?;
        self.wake_if(wakes);
        Ok(polled)
    }

    fn wake_if(&self, wakes: bool) {
        if wakes {
            self.watcher.wake();
        }
    }
}

impl Drop for PollSelector {
    fn drop(&mut self) {
        // The thread sleeps on the numbers of the members.
        self.watcher.wake();
    }
}

impl AsFd for PollSelector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, poll};

    use super::super::pipe::Pipe;
    use super::*;

    /// Sleeps until a descriptor is ready.
    fn wait_for(fd: BorrowedFd<'_>, flags: PollFlags) -> io::Result<PollFlags> {
        let mut fds = [PollFd::new(fd, flags)];
        poll(&mut fds, 10_000_u16)?;
        Ok(fds[0].revents().unwrap_or(PollFlags::empty()))
    }

    #[test]
    fn a_pipe_that_is_dropped_is_closed_while_the_thread_sleeps_on_it() -> io::Result<()> {
        let selector = PollSelector::new()?;
        for _ in 0..10 {
            let pipe = Pipe::new()?;
            // SAFETY: the pipe is open.
            let writer = unsafe { BorrowedFd::borrow_raw(pipe.writer_fileno()) }.try_clone_to_owned()?;
            selector.add(pipe.reader(), 1, Interest::READABLE, Trigger::OneShot)?;
            // Time for the thread to fall asleep on it. If it does not, it finds the number closed, and all is well.
            std::thread::sleep(Duration::from_millis(5));
            drop(pipe);
            assert_eq!(wait_for(writer.as_fd(), PollFlags::empty())?, PollFlags::POLLERR, "the read side is open");
        }
        Ok(())
    }
}
