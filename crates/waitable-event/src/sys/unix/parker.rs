//! The sleep of a blocked `wait()`.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

use super::{Interrupter, Pipe, pipe, sleep};
use crate::{Deadline, Linger, Park, Parked, Wake};

/// Sleeps on a bell and on the thread's [`Interrupter`] at once.
pub struct Parker<'a> {
    /// The thread's own interrupter.
    pub interrupter: &'a Arc<Interrupter>,
    /// Asked when the thread's event loop has something new: is this thread being ended?
    pub ending: &'a dyn Fn() -> bool,
    /// Where no event loop can be watched, `ending` is asked this often instead.
    pub slice: Option<Duration>,
    /// Has the thread linger before it sleeps: what it has learnt of that.
    pub linger: Option<&'a Linger>,
}

impl Parker<'_> {
    /// Sleeps until one of `fds`, whose last one is free for the interrupter, is ready. Woken means
    /// that the others are to be looked at, and so does Rung.
    pub fn sleep(&self, fds: &mut [PollFd<'_>], deadline: Deadline) -> io::Result<Parked> {
        loop {
            let until = deadline.earlier(self.slice.map_or(Deadline::NEVER, |slice| Deadline::after(Some(slice))));
            let ready = sleep(fds, until)?;
            if ready == 0 && deadline.has_come() {
                return Ok(Parked::TimedOut);
            }
            let interrupted = fds.last().and_then(PollFd::any).unwrap_or(false);
            if ready > usize::from(interrupted) {
                return Ok(Parked::Rung);
            }
            let interruption = if interrupted { self.interrupter.take()? } else { Default::default() };
            let sliced = ready == 0;
            if (interruption.by_loop || sliced) && (self.ending)() {
                return Ok(Parked::Interrupted);
            }
            if interruption.woken {
                return Ok(Parked::Woken);
            }
            // An event loop that has something new all the time must not put the deadline off.
            if deadline.has_come() {
                return Ok(Parked::TimedOut);
            }
        }
    }
}

impl Park<Pipe> for Parker<'_> {
    fn waker(&self) -> Arc<dyn Wake> {
        self.interrupter.clone()
    }

    fn linger<T>(&self, look: impl FnMut() -> Option<T>) -> Option<T> {
        self.linger.filter(|linger| linger.is_worth_while())?.look(look)
    }

    fn park(&self, bell: &Pipe, deadline: Deadline) -> io::Result<Parked> {
        let mut fds =
            [PollFd::new(bell.reader(), PollFlags::POLLIN), PollFd::new(self.interrupter.as_fd(), PollFlags::POLLIN)];
        let parked = self.sleep(&mut fds, deadline)?;
        if parked == Parked::Rung {
            pipe::ringing(&fds[0])?;
        }
        Ok(parked)
    }
}

impl fmt::Debug for Parker<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parker").field("slice", &self.slice).finish_non_exhaustive()
    }
}
