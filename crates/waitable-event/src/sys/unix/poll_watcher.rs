//! Keeps the promise that one descriptor stands for many where the kernel has no set of descriptors: one thread of the
//! process sleeps on the members of all pollers, and makes the doorbell of a poller readable when one of its members is
//! ready.
//!
//! **Nothing is lost.** A poller is either *armed*, then the thread sleeps on its members, or its doorbell is readable,
//! then its owner polls it. The owner disarms it before it polls the members, and arms it afterwards if it found none
//! that stays ready. Arming, and each change of an armed poller, wakes the thread, which then reads the state of all
//! pollers anew and polls their members, by level. So what became ready between the owner's poll and the arming is
//! found.
//!
//! The thread holds no poller while it sleeps: one that is dropped releases its descriptors immediately. It may then
//! sleep on a number that is closed, or another's, until it is woken, which the drop does. That is a wake-up too many.
//!
//! **Nothing stays open.** While the thread sleeps on a descriptor, its file is open for the kernel, though the number
//! is closed: who holds the other end of a pipe does not learn of it. So what leaves a poller wakes the thread, and the
//! pipe of an event leaves all pollers when it is dropped, as it does with a kernel's set of descriptors.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Mutex, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::SigSet;

use super::poll_state::Shared;
use super::waker::Waker;
use crate::deadline::Deadline;
use crate::sync::lock;
use crate::sys::native::sleep;

/// The time after which the thread polls again when it could not. All pollers are told after each attempt.
const RETRY: Duration = Duration::from_millis(100);

/// The watcher of this process, once it was needed.
static WATCHER: OnceLock<Watcher> = OnceLock::new();

/// The thread's side that others see.
pub(super) struct Watcher {
    waker: Waker,
    pollers: Mutex<Vec<Weak<Shared>>>,
}

/// What the thread sleeps on.
#[derive(Default)]
struct Polled {
    /// A number has one entry, in however many pollers it is: poll() takes no more entries than a process may have
    /// descriptors.
    entries: HashMap<RawFd, PollFlags>,
    deadline: Option<Deadline>,
}

impl Watcher {
    /// Returns the watcher of this process. Its thread is started when it is first needed, and ends with the process:
    /// the library is never unloaded.
    ///
    /// # Errors
    ///
    /// EAGAIN when the process may have no more threads, EMFILE without descriptors. The next call tries again.
    pub(super) fn get() -> io::Result<&'static Watcher> {
        static HAS_STARTED: Mutex<bool> = Mutex::new(false);
        let mut has_started = lock(&HAS_STARTED);
        let watcher = match WATCHER.get() {
            Some(watcher) => watcher,
            None => {
                let fresh = Watcher { waker: Waker::new()?, pollers: Mutex::default() };
                WATCHER.get_or_init(|| fresh)
            }
        };
        if !*has_started {
            thread::Builder::new().name("waitable-poll".into()).spawn(|| watcher.run())?;
            *has_started = true;
        }
        Ok(watcher)
    }

    pub(super) fn add(&self, poller: Weak<Shared>) {
        lock(&self.pollers).push(poller);
        self.wake();
    }

    /// Has the thread read the state of all pollers anew.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Has all pollers forget a number that is about to be closed.
    pub(super) fn forget(fd: RawFd) {
        let Some(watcher) = WATCHER.get() else {
            return;
        };
        let mut was_member = false;
        watcher.for_each(|poller| was_member |= poller.remove(fd));
        if was_member {
            watcher.wake();
        }
    }

    fn run(&self) {
        // Signals go to the threads that they went to before. It cannot fail for a full set.
        let _ = SigSet::all().thread_set_mask();
        loop {
            // Before the states are read: a change from here on wakes the thread again.
            self.waker.drain();
            let mut polled = Polled::default();
            self.for_each(|poller| poller.collect(&mut polled.entries, &mut polled.deadline));
            match polled.sleep(&self.waker) {
                Ok(ready) => self.for_each(|poller| poller.notify_if_ready(&ready)),
                Err(error) => {
                    // A filter that refuses the call, or no memory in the kernel.
                    self.for_each(|poller| poller.fail(&error));
                    thread::sleep(RETRY);
                }
            }
        }
    }

    /// Calls `each` with every poller, and forgets those that are gone.
    fn for_each(&self, mut each: impl FnMut(&Shared)) {
        // Copied: `each` locks a poller, whose owner may add another one meanwhile.
        let pollers = lock(&self.pollers).clone();
        let mut has_gone = false;
        for poller in pollers {
            match poller.upgrade() {
                Some(poller) => each(&poller),
                None => has_gone = true,
            }
        }
        if has_gone {
            lock(&self.pollers).retain(|poller| poller.strong_count() > 0);
        }
    }
}

impl Polled {
    /// Sleeps until an entry is ready, the deadline has passed or the waker was called. Returns the numbers that are
    /// ready.
    fn sleep(self, waker: &Waker) -> io::Result<HashMap<RawFd, PollFlags>> {
        let mut fds = vec![PollFd::new(waker.as_fd(), PollFlags::POLLIN)];
        // SAFETY: the numbers go to poll() alone, which answers POLLNVAL for one that is not open.
        fds.extend(self.entries.iter().map(|(fd, flags)| PollFd::new(unsafe { BorrowedFd::borrow_raw(*fd) }, *flags)));
        sleep(&mut fds, self.deadline.unwrap_or(Deadline::NEVER))?;
        let ready = fds[1..].iter().filter_map(|fd| {
            let revents = fd.revents().filter(|revents| !revents.is_empty())?;
            Some((fd.as_fd().as_raw_fd(), revents))
        });
        Ok(ready.collect())
    }
}
