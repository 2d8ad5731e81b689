//! Many descriptors, a deadline and calls from other threads, all behind one descriptor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

use crate::sync::lock;
use crate::sys::{Alarm, ClockWatch, Pipe, Queue, Waker, sleep};
use crate::{Deadline, Wake};

const WAKER: u64 = u64::MAX;
const ALARM: u64 = u64::MAX - 1;
const CLOCK: u64 = u64::MAX - 2;

/// What somebody wants to hear of a descriptor. Hang-ups and errors are always reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Data to read, or the end of it.
    pub readable: bool,
    /// Room to write.
    pub writable: bool,
    /// Exceptional conditions (POLLPRI): out-of-band data, changed sysfs attributes.
    pub priority: bool,
}

impl Interest {
    /// Interest in reading alone.
    pub const READABLE: Interest = Interest { readable: true, writable: false, priority: false };
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// There is data to read, or the end of it.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
    /// There is an exceptional condition.
    pub priority: bool,
    /// The peer hung up.
    pub hang_up: bool,
    /// The descriptor is in an error state.
    pub error: bool,
}

impl Readiness {
    /// Whether a select() for `interest` would return: a hang-up or an error is readable, an error is
    /// writable.
    pub fn answers(self, interest: Interest) -> bool {
        (interest.readable && (self.readable || self.hang_up || self.error))
            || (interest.writable && (self.writable || self.error))
            || (interest.priority && self.priority)
    }
}

/// How often a ready descriptor is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// In every pass while it is ready.
    Level,
    /// Once for each time it becomes ready.
    Edge,
    /// Once, then not until it is modified.
    OneShot,
}

/// One thing that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The token its descriptor was added with.
    pub token: u64,
    /// What it is ready for.
    pub readiness: Readiness,
}

/// What one pass over a poller found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) woken: bool,
    pub(crate) alarm: bool,
    pub(crate) clock: bool,
}

/// A set of descriptors with an alarm and a waker, itself readable while one of them is ready.
///
/// Adding, modifying, removing and waking are allowed from every thread, and take effect on a
/// thread that is polling the descriptor right now.
#[derive(Debug)]
pub struct Poller {
    queue: Arc<Queue>,
    alarm: Alarm,
    clock: OnceLock<ClockWatch>,
    caller: Arc<Caller>,
}

/// The part of a poller that others hold to call it: tokens that want to be looked at.
#[derive(Debug)]
struct Caller {
    waker: Waker,
    tokens: Mutex<Vec<u64>>,
}

impl Poller {
    /// An empty poller.
    pub fn new() -> io::Result<Poller> {
        let queue = Queue::new()?;
        let alarm = Alarm::new()?;
        let waker = Waker::new()?;
        queue.add(waker.as_fd(), WAKER, Interest::READABLE, Trigger::Edge)?;
        queue.add(alarm.as_fd(), ALARM, Interest::READABLE, Trigger::Edge)?;
        Ok(Poller {
            queue: Arc::new(queue),
            alarm,
            clock: OnceLock::new(),
            caller: Arc::new(Caller { waker, tokens: Mutex::default() }),
        })
    }

    /// Adds a descriptor under `token`, which is below 2^64 - 3. EEXIST when it is there already.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        self.queue.add(fd, token, interest, trigger)
    }

    /// Changes what is wanted of a descriptor, and reports it anew when it is ready now.
    pub fn modify(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        self.queue.modify(fd, token, interest, trigger)
    }

    /// Takes a descriptor out; not an error when it was closed meanwhile.
    pub fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.queue.remove(fd)
    }

    /// Rings in `delay`, instead of any time it was set to before; `None` never.
    pub fn set_alarm(&self, delay: Option<Duration>) -> io::Result<()> {
        self.alarm.set(delay)
    }

    /// Has the poller be ready, with nothing to report, when somebody sets the wall clock.
    pub fn watch_clock(&self) -> io::Result<()> {
        if self.clock.get().is_none() {
            let fresh = ClockWatch::new()?;
            let clock = self.clock.get_or_init(|| fresh);
            self.queue.add(clock.as_fd(), CLOCK, Interest::READABLE, Trigger::Edge)?;
        }
        Ok(())
    }

    /// A waker that has this poller report `token`.
    pub fn waker(&self, token: u64) -> Arc<dyn Wake> {
        Arc::new(TokenWaker { caller: self.caller.clone(), token })
    }

    /// A waker that has this poller report `token` when its event closes, and only then. The event's `pipe` is taken out first: closing
    /// its descriptor does not do that while another process has a copy, and what cannot be named any more would be ready for ever.
    pub fn closing_waker(&self, token: u64, pipe: &Arc<Pipe>) -> Arc<dyn Wake> {
        let caller = TokenWaker { caller: self.caller.clone(), token };
        Arc::new(ClosingWaker { caller, queue: Arc::downgrade(&self.queue), pipe: Arc::downgrade(pipe) })
    }

    /// Sleeps until something is ready, and returns whether it is: false when `deadline` came first.
    pub fn wait(&self, deadline: Deadline) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.queue.as_fd(), PollFlags::POLLIN)];
        Ok(sleep(&mut fds, deadline)? > 0)
    }

    /// Puts what is ready now, and the tokens that were called, into `ready`; returns whether the alarm
    /// has rung. Never blocks.
    pub fn take(&self, ready: &mut Vec<Ready>) -> io::Result<bool> {
        let mut pass = Pass::default();
        self.queue.take(|event| match event.token {
            WAKER => pass.woken = true,
            ALARM => pass.alarm = true,
            CLOCK => pass.clock = true,
            _ => ready.push(event),
        })?;
        if pass.clock
            && let Some(clock) = self.clock.get()
        {
            clock.arm()?;
        }
        if pass.woken {
            // After the edge was consumed: a token that is pushed from here on makes a new one.
            let tokens = std::mem::take(&mut *lock(&self.caller.tokens));
            ready.extend(tokens.into_iter().map(|token| Ready { token, readiness: Readiness::default() }));
        }
        Ok(pass.alarm)
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

struct TokenWaker {
    caller: Arc<Caller>,
    token: u64,
}

impl Wake for TokenWaker {
    fn wake(&self) {
        let first = {
            let mut tokens = lock(&self.caller.tokens);
            tokens.push(self.token);
            tokens.len() == 1
        };
        // Whoever finds tokens there leaves the ringing to the one who put the first.
        if first {
            self.caller.waker.wake();
        }
    }
}

/// Holds neither: their descriptors are not to wait for somebody who only listens.
struct ClosingWaker {
    caller: TokenWaker,
    queue: Weak<Queue>,
    pipe: Weak<Pipe>,
}

impl Wake for ClosingWaker {
    fn wake(&self) {}

    fn closed(&self) {
        if let (Some(queue), Some(pipe)) = (self.queue.upgrade(), self.pipe.upgrade()) {
            // It fails for no other reason than that it is not there.
            let _ = queue.remove(pipe.reader());
        }
        self.caller.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bell;
    use crate::sys::Pipe;

    /// Sleeps until the poller is ready, ten seconds at the most.
    fn await_ready(poller: &Poller) -> io::Result<()> {
        assert!(poller.wait(Deadline::after_millis(10_000.0))?, "the poller did not become ready");
        Ok(())
    }

    fn take(poller: &Poller) -> io::Result<(Vec<u64>, bool)> {
        let mut ready = Vec::new();
        let alarm = poller.take(&mut ready)?;
        Ok((ready.into_iter().map(|event| event.token).collect(), alarm))
    }

    #[test]
    fn level_repeats_edge_and_one_shot_do_not() -> io::Result<()> {
        let poller = Poller::new()?;
        let [level, edge, once] = [Pipe::new()?, Pipe::new()?, Pipe::new()?];
        poller.add(level.reader(), 1, Interest::READABLE, Trigger::Level)?;
        poller.add(edge.reader(), 2, Interest::READABLE, Trigger::Edge)?;
        poller.add(once.reader(), 3, Interest::READABLE, Trigger::OneShot)?;
        assert_eq!(take(&poller)?, (vec![], false));
        for pipe in [&level, &edge, &once] {
            pipe.ring()?;
        }
        await_ready(&poller)?;
        let mut first = take(&poller)?.0;
        first.sort_unstable();
        assert_eq!(first, [1, 2, 3]);
        assert_eq!(take(&poller)?.0, [1]);
        edge.ring()?;
        once.ring()?;
        let mut second = take(&poller)?.0;
        second.sort_unstable();
        assert_eq!(second, [1, 2], "each write is an edge; one shot waits to be modified");
        poller.modify(once.reader(), 3, Interest::READABLE, Trigger::OneShot)?;
        assert!(take(&poller)?.0.contains(&3));
        poller.remove(level.reader())?;
        poller.remove(level.reader())?;
        assert_eq!(take(&poller)?.0, []);
        Ok(())
    }

    #[test]
    fn the_alarm_rings_once_and_never_early() -> io::Result<()> {
        let poller = Poller::new()?;
        let before = std::time::Instant::now();
        poller.set_alarm(Some(Duration::from_micros(300)))?;
        await_ready(&poller)?;
        assert!(before.elapsed() >= Duration::from_micros(300));
        assert!(take(&poller)?.1);
        assert!(!take(&poller)?.1);
        poller.set_alarm(Some(Duration::ZERO))?;
        await_ready(&poller)?;
        poller.set_alarm(None)?;
        assert!(!take(&poller)?.1, "a disarmed alarm does not ring");
        Ok(())
    }

    #[test]
    fn many_calls_are_one_wake_up_and_each_token_arrives() -> io::Result<()> {
        let poller = Poller::new()?;
        let wakers = [poller.waker(7), poller.waker(8)];
        std::thread::scope(|scope| {
            for waker in &wakers {
                scope.spawn(|| waker.wake());
            }
        });
        await_ready(&poller)?;
        let mut tokens = take(&poller)?.0;
        tokens.sort_unstable();
        assert_eq!(tokens, [7, 8]);
        assert_eq!(take(&poller)?, (vec![], false));
        wakers[0].wake();
        await_ready(&poller)?;
        assert_eq!(take(&poller)?.0, [7]);
        Ok(())
    }
}
