//! The sleep of a blocked `wait()`.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

use super::interrupter::Interrupter;
use super::pipe::{self, Pipe};
use super::ppoll::sleep;
use crate::adaptive_spin::AdaptiveSpin;
use crate::deadline::Deadline;
use crate::park::{Park, Parked, Wake};

/// Sleeps on a doorbell and on the thread's [`Interrupter`] together.
pub struct Parker<'a> {
    /// The thread's own interrupter.
    pub interrupter: &'a Arc<Interrupter>,
    /// Returns whether this thread is being ended. Called when the thread's event loop has something new.
    pub is_ending: &'a dyn Fn() -> bool,
    /// How often `is_ending` is called where no event loop can be watched.
    pub slice: Option<Duration>,
    /// Has the thread spin before it sleeps.
    pub spin: Option<&'a AdaptiveSpin>,
}

impl Parker<'_> {
    /// Sleeps until one of `fds` is ready. The last one of them must be the interrupter's. After `Woken` as well as
    /// `Notified` the caller has to check the others.
    pub fn sleep(&self, fds: &mut [PollFd<'_>], deadline: Deadline) -> io::Result<Parked> {
        loop {
            let until = deadline.earlier(self.slice.map_or(Deadline::NEVER, |slice| Deadline::after(Some(slice))));
            let ready = sleep(fds, until)?;
            if ready == 0 && deadline.has_passed() {
                return Ok(Parked::TimedOut);
            }
            let interrupted = fds.last().and_then(PollFd::any).unwrap_or(false);
            if ready > usize::from(interrupted) {
                return Ok(Parked::Notified);
            }
            let interruption = if interrupted { self.interrupter.consume()? } else { Default::default() };
            let slice_is_over = ready == 0;
            if (interruption.loop_is_ready || slice_is_over) && (self.is_ending)() {
                return Ok(Parked::Interrupted);
            }
            if interruption.woken {
                return Ok(Parked::Woken);
            }
            // An event loop that always has something new must not defer the deadline.
            if deadline.has_passed() {
                return Ok(Parked::TimedOut);
            }
        }
    }
}

impl Park<Pipe> for Parker<'_> {
    fn waker(&self) -> Arc<dyn Wake> {
        self.interrupter.clone()
    }

    fn spin<T>(&self, poll: impl FnMut() -> Option<T>) -> Option<T> {
        self.spin.filter(|spin| spin.should_spin())?.spin(poll)
    }

    fn park(&self, doorbell: &Pipe, deadline: Deadline) -> io::Result<Parked> {
        let mut fds = [
            PollFd::new(doorbell.reader(), PollFlags::POLLIN),
            PollFd::new(self.interrupter.as_fd(), PollFlags::POLLIN),
        ];
        let parked = self.sleep(&mut fds, deadline)?;
        if parked == Parked::Notified {
            pipe::is_notified(&fds[0])?;
        }
        Ok(parked)
    }
}

impl fmt::Debug for Parker<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parker").field("slice", &self.slice).finish_non_exhaustive()
    }
}
