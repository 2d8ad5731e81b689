//! Many descriptors, a deadline and calls from other threads, all behind one descriptor.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::park::Wake;
use crate::readiness::{Interest, Readiness, Ready, Trigger};
use crate::sys::{self, AsDescriptor, Descriptor, Pipe, Selector};
use crate::token_queue::{CloseWaker, TokenQueue, TokenWaker};

/// A set of descriptors with an alarm and wakers, itself readable while one of them is ready.
///
/// Every thread may add, modify, remove and wake. That takes effect on a thread that is polling the descriptor right
/// now.
#[derive(Debug)]
pub struct Poller {
    selector: Arc<Selector>,
    queue: Arc<TokenQueue>,
}

impl Poller {
    /// Returns an empty poller.
    pub fn new() -> io::Result<Poller> {
        let selector = Selector::new()?;
        let queue = TokenQueue::new(selector.waker().clone());
        Ok(Poller { selector: Arc::new(selector), queue: Arc::new(queue) })
    }

    /// Adds a descriptor under `token`, which is below 2^64 - 3.
    ///
    /// # Errors
    ///
    /// EEXIST when the descriptor is a member already.
    pub fn add(&self, fd: Descriptor<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        self.selector.add(fd, token, interest, trigger)
    }

    /// Returns whether an error of [`Poller::add`] says that the descriptor, or one that it holds, is in so many
    /// pollers that the kernel takes no more (Linux: `epoll.rs`). Another open file description of the same pipe is
    /// taken.
    pub fn has_too_many_paths(error: &io::Error) -> bool {
        sys::has_too_many_paths(error)
    }

    /// Changes the interest in a descriptor, and reports the descriptor again if it is ready now.
    pub fn modify(&self, fd: Descriptor<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        self.selector.modify(fd, token, interest, trigger)
    }

    /// Removes a descriptor. One that was closed meanwhile is no error.
    pub fn remove(&self, fd: Descriptor<'_>) -> io::Result<()> {
        self.selector.remove(fd)
    }

    /// Has the alarm expire in `delay`, in place of any time it was set to before; `None` never.
    pub fn set_alarm(&self, delay: Option<Duration>) -> io::Result<()> {
        self.selector.set_alarm(delay)
    }

    /// Makes the poller ready, with nothing to report, whenever the wall clock is set.
    pub fn watch_clock(&self) -> io::Result<()> {
        self.selector.watch_clock()
    }

    /// Returns a waker that has this poller report `token`.
    pub fn waker(&self, token: u64) -> Arc<dyn Wake> {
        Arc::new(self.token_waker(token))
    }

    /// Returns a waker that has this poller report `token` when its event closes, and only then.
    ///
    /// The waker removes the event's `pipe` from the poller first. Closing a descriptor does not do that while another
    /// process has a copy of it, and a descriptor that cannot be named any more would be ready forever.
    pub fn close_waker(&self, token: u64, pipe: &Arc<Pipe>) -> Arc<dyn Wake> {
        Arc::new(CloseWaker {
            waker: self.token_waker(token),
            selector: Arc::downgrade(&self.selector),
            pipe: Arc::downgrade(pipe),
        })
    }

    fn token_waker(&self, token: u64) -> TokenWaker {
        TokenWaker { queue: self.queue.clone(), token }
    }

    /// Sleeps until the poller is ready, and returns whether it is: false when `deadline` passed first.
    pub fn wait(&self, deadline: Deadline) -> io::Result<bool> {
        sys::await_readable(self.selector.as_fd(), deadline)
    }

    /// Returns whether the poller's descriptor may become readable a little later than a member is ready. If so, only
    /// [`Poller::poll`] knows what is ready now.
    pub fn is_late(&self) -> bool {
        self.selector.is_late()
    }

    /// Appends what is ready now, and the tokens whose wakers were called, to `ready`. Returns whether the alarm has
    /// expired. Never blocks.
    pub fn poll(&self, ready: &mut Vec<Ready>) -> io::Result<bool> {
        let polled = self.selector.poll(|event| ready.push(event))?;
        if polled.is_woken {
            let tokens = self.queue.drain();
            ready.extend(tokens.into_iter().map(|token| Ready { token, readiness: Readiness::default() }));
        }
        Ok(polled.alarm_expired)
    }
}

impl AsDescriptor for Poller {
    fn as_fd(&self) -> Descriptor<'_> {
        self.selector.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::doorbell::Doorbell;
    use crate::sys::Pipe;

    /// Sleeps until the poller is ready, for at most ten seconds.
    fn await_ready(poller: &Poller) -> io::Result<()> {
        assert!(poller.wait(Deadline::after_millis(10_000.0))?, "the poller did not become ready");
        Ok(())
    }

    fn poll(poller: &Poller) -> io::Result<(Vec<u64>, bool)> {
        let mut ready = Vec::new();
        let alarm = poller.poll(&mut ready)?;
        Ok((ready.into_iter().map(|event| event.token).collect(), alarm))
    }

    #[test]
    fn level_repeats_and_one_shot_does_not() -> io::Result<()> {
        let poller = Poller::new()?;
        let [level, once] = [Pipe::new()?, Pipe::new()?];
        poller.add(level.reader(), 1, Interest::READABLE, Trigger::Level)?;
        poller.add(once.reader(), 3, Interest::READABLE, Trigger::OneShot)?;
        assert_eq!(poll(&poller)?, (vec![], false));
        for pipe in [&level, &once] {
            pipe.notify()?;
        }
        await_ready(&poller)?;
        let mut first = poll(&poller)?.0;
        first.sort_unstable();
        assert_eq!(first, [1, 3]);
        assert_eq!(poll(&poller)?.0, [1]);
        once.notify()?;
        assert_eq!(poll(&poller)?.0, [1], "one shot waits to be modified");
        poller.modify(once.reader(), 3, Interest::READABLE, Trigger::OneShot)?;
        await_ready(&poller)?;
        assert!(poll(&poller)?.0.contains(&3));
        poller.remove(level.reader())?;
        poller.remove(level.reader())?;
        assert_eq!(poll(&poller)?.0, []);
        Ok(())
    }

    #[test]
    fn the_alarm_expires_once_and_never_early() -> io::Result<()> {
        let poller = Poller::new()?;
        let before = std::time::Instant::now();
        poller.set_alarm(Some(Duration::from_micros(300)))?;
        await_ready(&poller)?;
        assert!(before.elapsed() >= Duration::from_micros(300));
        assert!(poll(&poller)?.1);
        assert!(!poll(&poller)?.1);
        poller.set_alarm(Some(Duration::ZERO))?;
        await_ready(&poller)?;
        poller.set_alarm(None)?;
        assert!(!poll(&poller)?.1, "a disarmed alarm does not expire");
        Ok(())
    }

    #[test]
    fn a_poll_reports_what_is_ready_while_another_thread_asks() -> io::Result<()> {
        let (outer, inner, pipe) = (Poller::new()?, Poller::new()?, Pipe::new()?);
        inner.add(pipe.reader(), 1, Interest::READABLE, Trigger::Level)?;
        outer.add(inner.as_fd(), 2, Interest::READABLE, Trigger::Level)?;
        pipe.notify()?;
        await_ready(&inner)?;
        // Both go on until each has asked so often: so they overlap.
        const POLLS: usize = 20_000;
        let polls = [const { AtomicUsize::new(0) }; 2];
        let are_over = || polls.iter().all(|count| count.load(Ordering::Relaxed) >= POLLS);
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| -> io::Result<()> {
                while !are_over() {
                    poll(&outer)?;
                    polls[0].fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
            let mut missed = 0;
            while !are_over() {
                missed += usize::from(poll(&inner)?.0 != [1]);
                polls[1].fetch_add(1, Ordering::Relaxed);
            }
            assert!(matches!(asks.join(), Ok(Ok(()))));
            assert_eq!(missed, 0);
            Ok(())
        })
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
        let mut tokens = poll(&poller)?.0;
        tokens.sort_unstable();
        assert_eq!(tokens, [7, 8]);
        assert_eq!(poll(&poller)?, (vec![], false));
        wakers[0].wake();
        await_ready(&poller)?;
        assert_eq!(poll(&poller)?.0, [7]);
        Ok(())
    }
}
