//! Keeps the promises of a poller by what the system has for them: its own way where that works, and poll() elsewhere.
//!
//! The first poller of a process decides. A kernel or a sandbox may refuse a call (ENOSYS, EPERM, EACCES), or have sets
//! of descriptors that do not report from within each other: a reactor and its loops need that. `WAITABLE_EVENT_POLLER`
//! decides in its place, for tests: `poll`, or the name of the system's own way, which then has nothing to fall back
//! on.

use std::env;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::errno::Errno;

use super::poll_selector::PollSelector;
use super::waker::Waker;
use crate::readiness::{Interest, Polled, Ready, Trigger};
use crate::sys::native::Selector as Native;

/// The environment variable that decides.
const VARIABLE: &str = "WAITABLE_EVENT_POLLER";

/// The kinds of selectors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Native,
    Poll,
}

/// A set of descriptors with an alarm, a waker and a watch on the wall clock, behind one descriptor.
///
/// Tokens are below 2^64 - 3. The alarm and the waker are reported once each time.
pub(crate) enum Selector {
    Native(Native),
    Poll(PollSelector),
}

impl Selector {
    /// Returns an empty selector, of the kind that the first one of this process had.
    pub(crate) fn new() -> io::Result<Selector> {
        static KIND: OnceLock<Kind> = OnceLock::new();
        match KIND.get() {
            Some(Kind::Native) => Native::new().map(Selector::Native),
            Some(Kind::Poll) => PollSelector::new().map(Selector::Poll),
            None => {
                let first = Selector::first()?;
                let kind = if matches!(first, Selector::Native(_)) { Kind::Native } else { Kind::Poll };
                // Two threads may both have made a first one: selectors of both kinds work beside each other.
                let _ = KIND.set(kind);
                Ok(first)
            }
        }
    }

    fn first() -> io::Result<Selector> {
        match env::var_os(VARIABLE).filter(|wanted| !wanted.is_empty()) {
            None => match probed() {
                Err(error) if is_refusal(&error) => PollSelector::new().map(Selector::Poll),
                result => result.map(Selector::Native),
            },
            Some(wanted) if wanted == Native::NAME => Native::new().map(Selector::Native),
            Some(wanted) if wanted == PollSelector::NAME => PollSelector::new().map(Selector::Poll),
            Some(_) => Err(Errno::EOPNOTSUPP.into()),
        }
    }

    /// Adds a descriptor under `token`. EEXIST when it is there, EPERM for a file that is always ready.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        match self {
            Selector::Native(selector) => selector.add(fd, token, interest, trigger),
            Selector::Poll(selector) => selector.add(fd, token, interest, trigger),
        }
    }

    /// Changes what [`Selector::add`] has added, and reports it again if it is ready now. ENOENT when it is not there,
    /// also because the number is another descriptor's.
    pub(crate) fn modify(
        &self,
        fd: BorrowedFd<'_>,
        token: u64,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        match self {
            Selector::Native(selector) => selector.modify(fd, token, interest, trigger),
            Selector::Poll(selector) => selector.modify(fd, token, interest, trigger),
        }
    }

    /// Removes a descriptor. One that is not there is no error.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        match self {
            Selector::Native(selector) => selector.remove(fd),
            Selector::Poll(selector) => selector.remove(fd),
        }
    }

    /// Has the alarm expire in `delay`, in place of any time before; `None` never.
    pub(crate) fn set_alarm(&self, delay: Option<Duration>) -> io::Result<()> {
        match self {
            Selector::Native(selector) => selector.set_alarm(delay),
            Selector::Poll(selector) => selector.set_alarm(delay),
        }
    }

    /// Becomes ready, with nothing to report, whenever the wall clock is set.
    pub(crate) fn watch_clock(&self) -> io::Result<()> {
        match self {
            Selector::Native(selector) => selector.watch_clock(),
            Selector::Poll(selector) => selector.watch_clock(),
        }
    }

    /// Returns what makes the selector ready, from any thread.
    pub(crate) fn waker(&self) -> &Arc<Waker> {
        match self {
            Selector::Native(selector) => selector.waker(),
            Selector::Poll(selector) => selector.waker(),
        }
    }

    /// Returns whether its descriptor may become readable a little later than a member is ready.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self, Selector::Poll(_))
    }

    /// Calls `each` with every descriptor that is ready now. Drains the waker first if it was called. Never blocks.
    pub(crate) fn poll(&self, each: impl FnMut(Ready)) -> io::Result<Polled> {
        match self {
            Selector::Native(selector) => selector.poll(each),
            Selector::Poll(selector) => selector.poll(each),
        }
    }
}

impl AsFd for Selector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Selector::Native(selector) => selector.as_fd(),
            Selector::Poll(selector) => selector.as_fd(),
        }
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Selector").finish_non_exhaustive()
    }
}

/// Returns whether an error says that the system has no such call, or does not allow it.
fn is_refusal(error: &io::Error) -> bool {
    let refusals = [Errno::ENOSYS, Errno::EPERM, Errno::EACCES, Errno::EOPNOTSUPP];
    refusals.iter().any(|refusal| error.raw_os_error() == Some(*refusal as i32))
}

/// Returns a native selector that was seen to report from within another one. EOPNOTSUPP when it does not.
fn probed() -> io::Result<Native> {
    let selector = Native::new()?;
    selector.waker().wake();
    let reports = Native::reports_nested(selector.as_fd())?;
    let polled = selector.poll(|_| ())?;
    if reports && polled.is_woken { Ok(selector) } else { Err(Errno::EOPNOTSUPP.into()) }
}
