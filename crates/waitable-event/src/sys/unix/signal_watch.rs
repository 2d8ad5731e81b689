//! Keeps the promise that a signal stops a loop whose thread sleeps: a descriptor is readable once the signal has come.
//!
//! JavaScript's own signal handlers run in the event loop of the main thread, so a thread that sleeps in native code
//! receives no signal. A [`SignalWatch`] is told of a signal in any thread.
//!
//! **Sharing.** A signal has one action in a process. If two libraries set it, the later one wins, and what either
//! restores overwrites the other's. So the action belongs to one library, and all others ask that one. In Node that is
//! libuv, which keeps a list of all that listen to a signal, in all its loops. The binding gives a [`SignalSource`]
//! that adds the watches to libuv's list. In a process without libuv the source is a handler of our own.
//!
//! **What is restored.** When the last listener is gone, libuv sets the default action, whatever was there before the
//! first one: an ignored SIGPIPE would end the process from then on. Therefore the action before the first watch is
//! remembered, and restored after the last one, under two conditions. The source has just set the default action; so
//! there is no other listener, and no other library has set an action of its own. And the remembered action was not the
//! source's handler: then another one was listening, whose end would have led to the default action without us, too.
//!
//! **Delivery** may happen in a signal handler, on any thread, at any moment. It loads atomics and writes to
//! descriptors that are never closed. That is why places are pooled: a handler that still runs when a watch ends can at
//! most write to a descriptor that is not polled.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{LazyLock, Mutex};

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::sigaction::Disposition;
use super::waker::{Waker, write_to};
use crate::sync::lock;

/// The number of watches that a process can have.
const PLACES: usize = 64;

/// What delivery reads: for each place, the signal it is for (0: none) and its descriptor.
static WANTED: [AtomicI32; PLACES] = [const { AtomicI32::new(0) }; PLACES];
static DESCRIPTORS: [AtomicI32; PLACES] = [const { AtomicI32::new(-1) }; PLACES];

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

/// Who owns the actions of signals, and calls [`deliver`].
pub trait SignalSource: Sync {
    /// Begins to deliver a signal.
    ///
    /// # Errors
    ///
    /// As the system's.
    fn start(&'static self, number: i32) -> io::Result<()>;

    /// Delivers it no longer. If nothing else listens to it, its action is the default one afterwards; an action that
    /// is not the source's own stays.
    fn stop(&'static self, number: i32);
}

/// A handler of our own, for processes in which no other library shares signals.
#[derive(Debug)]
pub struct OwnHandler;

impl SignalSource for OwnHandler {
    fn start(&'static self, number: i32) -> io::Result<()> {
        // SAFETY: the handler loads atomics and writes, and restores `errno`.
        unsafe { Disposition::handler(on_signal).set(number) }
    }

    fn stop(&'static self, number: i32) {
        if Disposition::of(number).is_ok_and(|now| now.has_handler_of(&Disposition::handler(on_signal))) {
            // SAFETY: the default action has no handler.
            let _ = unsafe { Disposition::default_action().set(number) };
        }
    }
}

extern "C" fn on_signal(number: i32) {
    let errno = Errno::last();
    deliver(number);
    errno.set();
}

#[derive(Default)]
struct Table {
    /// The descriptors of the places, made when a place is first used, and never closed.
    descriptors: Vec<Waker>,
    /// The signals that have a holder: a watch or a [`SignalKeeper`].
    signals: HashMap<i32, Held>,
}

struct Held {
    holders: usize,
    watches: usize,
    /// The action before the first holder, if it is to be restored.
    before: Option<Disposition>,
}

impl Table {
    /// Adds a holder. Returns whether it is the first one.
    fn hold(&mut self, number: i32) -> io::Result<bool> {
        Ok(match self.signals.entry(number) {
            Entry::Occupied(mut held) => {
                held.get_mut().holders += 1;
                false
            }
            Entry::Vacant(vacant) => {
                let before = Some(Disposition::of(number)?);
                vacant.insert(Held { holders: 1, watches: 0, before });
                true
            }
        })
    }

    /// Is called when the source's handler is in place: if it was there before the first holder, there is nothing to
    /// restore.
    fn compare(&mut self, number: i32) {
        if let Some(held) = self.signals.get_mut(&number)
            && let Ok(now) = Disposition::of(number)
            && held.before.is_some_and(|before| before.has_handler_of(&now))
        {
            held.before = None;
        }
    }

    /// Removes a holder, whose listening has ended. After the last one the former action is restored, if there is no
    /// newer one.
    fn release(&mut self, number: i32) {
        let Some(held) = self.signals.get_mut(&number) else {
            return;
        };
        held.holders -= 1;
        if held.holders > 0 {
            return;
        }
        if let Some(before) = held.before
            && Disposition::of(number).is_ok_and(|now| now.is_default())
        {
            // SAFETY: it came from the system.
            let _ = unsafe { before.set(number) };
        }
        self.signals.remove(&number);
    }

    /// Returns a place that is free and drained.
    fn find_place(&mut self) -> io::Result<usize> {
        let place = (0..PLACES)
            .find(|place| WANTED[*place].load(Ordering::Relaxed) == 0)
            .ok_or_else(|| io::Error::from(Errno::EAGAIN))?;
        while self.descriptors.len() <= place {
            let descriptor = Waker::new()?;
            DESCRIPTORS[self.descriptors.len()].store(descriptor.writer_fileno(), Ordering::Relaxed);
            self.descriptors.push(descriptor);
        }
        // A late delivery may have written to it.
        self.descriptors[place].drain();
        Ok(place)
    }
}

/// Returns the number if it is a signal's that can be caught.
fn catchable(number: i32) -> io::Result<i32> {
    match Signal::try_from(number)? {
        Signal::SIGKILL | Signal::SIGSTOP => Err(Errno::EINVAL.into()),
        _ => Ok(number),
    }
}

/// A descriptor that becomes readable when the signal comes, for as long as this lives.
pub struct SignalWatch {
    number: i32,
    place: usize,
    source: &'static dyn SignalSource,
    /// A duplicate of the place's descriptor, so that a poller forgets it when the watch ends.
    descriptor: OwnedFd,
}

impl SignalWatch {
    /// Watches a signal with a handler of our own: for processes in which no other library shares signals.
    ///
    /// # Errors
    ///
    /// EINVAL for a number that is no signal or cannot be caught (SIGKILL, SIGSTOP), EAGAIN when there are too many
    /// watches.
    pub fn new(number: i32) -> io::Result<SignalWatch> {
        SignalWatch::with(number, &OwnHandler)
    }

    /// Watches a signal that `source` delivers. All watches of a process have the same source.
    ///
    /// # Errors
    ///
    /// As for [`SignalWatch::new`], and the source's.
    pub fn with(number: i32, source: &'static dyn SignalSource) -> io::Result<SignalWatch> {
        let number = catchable(number)?;
        let mut table = lock(&TABLE);
        let place = table.find_place()?;
        let descriptor = table.descriptors[place].as_fd().try_clone_to_owned()?;
        table.hold(number)?;
        WANTED[place].store(number, Ordering::Release);
        if table.signals.get(&number).is_some_and(|held| held.watches == 0) {
            if let Err(error) = source.start(number) {
                WANTED[place].store(0, Ordering::Release);
                table.release(number);
                return Err(error);
            }
            table.compare(number);
        }
        if let Some(held) = table.signals.get_mut(&number) {
            held.watches += 1;
        }
        Ok(SignalWatch { number, place, source, descriptor })
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        let mut table = lock(&TABLE);
        WANTED[self.place].store(0, Ordering::Release);
        if let Some(held) = table.signals.get_mut(&self.number) {
            held.watches -= 1;
            if held.watches == 0 {
                self.source.stop(self.number);
            }
        }
        table.release(self.number);
    }
}

impl AsFd for SignalWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl fmt::Debug for SignalWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignalWatch").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Restores the action of a signal when it is dropped, under the conditions above, for a caller that listens to the
/// signal by other means.
#[derive(Debug)]
pub struct SignalKeeper {
    number: i32,
}

impl SignalKeeper {
    /// Remembers the action. Made before the caller begins to listen, and dropped when it has ceased to.
    ///
    /// # Errors
    ///
    /// EINVAL for a number that is no signal or cannot be caught.
    pub fn new(number: i32) -> io::Result<SignalKeeper> {
        let number = catchable(number)?;
        lock(&TABLE).hold(number)?;
        Ok(SignalKeeper { number })
    }

    /// Returns the signal.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// Is called once the caller listens.
    pub fn listening(&self) {
        lock(&TABLE).compare(self.number);
    }
}

impl Drop for SignalKeeper {
    fn drop(&mut self) {
        lock(&TABLE).release(self.number);
    }
}

/// Makes the watches of a signal readable. Async-signal-safe, except that it changes `errno`.
pub fn deliver(number: i32) {
    for place in 0..PLACES {
        if WANTED[place].load(Ordering::Acquire) == number {
            // A descriptor that is never closed.
            write_to(DESCRIPTORS[place].load(Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::Deadline;
    use nix::libc;
    use nix::poll::{PollFd, PollFlags};
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, raise, sigaction};

    fn is_readable(watch: &SignalWatch) -> io::Result<bool> {
        let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
        Ok(crate::sys::sleep(&mut fds, Deadline::after_millis(0.0))? > 0)
    }

    fn set(signal: Signal, handler: SigHandler) -> io::Result<SigHandler> {
        // SAFETY: ignores the signal, restores its default, or calls a handler that does nothing.
        let before = unsafe { sigaction(signal, &SigAction::new(handler, SaFlags::empty(), SigSet::empty())) }?;
        Ok(before.handler())
    }

    extern "C" fn nothing(_: i32) {}

    #[test]
    fn each_watch_receives_its_signal_and_the_last_one_gives_it_back() -> io::Result<()> {
        let first = SignalWatch::new(libc::SIGUSR2)?;
        let second = SignalWatch::new(libc::SIGUSR2)?;
        let other = SignalWatch::new(libc::SIGWINCH)?;
        raise(Signal::SIGUSR2)?;
        assert!(is_readable(&first)? && is_readable(&second)?);
        assert!(!is_readable(&other)?);
        drop(first);
        // Would end the process if the signal had been given back with the first watch.
        raise(Signal::SIGUSR2)?;
        drop(second);
        assert!(matches!(set(Signal::SIGUSR2, SigHandler::SigDfl)?, SigHandler::SigDfl));
        let third = SignalWatch::new(libc::SIGUSR2)?;
        assert!(!is_readable(&third)?, "a place starts drained");
        Ok(())
    }

    #[test]
    fn what_was_there_before_is_restored() -> io::Result<()> {
        set(Signal::SIGURG, SigHandler::SigIgn)?;
        let keeper = SignalKeeper::new(libc::SIGURG)?;
        drop(SignalWatch::new(libc::SIGURG)?);
        assert!(Disposition::of(libc::SIGURG)?.is_default(), "there is another holder");
        drop(keeper);
        assert!(matches!(set(Signal::SIGURG, SigHandler::SigDfl)?, SigHandler::SigIgn));
        Ok(())
    }

    #[test]
    fn what_others_set_meanwhile_stays() -> io::Result<()> {
        set(Signal::SIGVTALRM, SigHandler::SigIgn)?;
        let watch = SignalWatch::new(libc::SIGVTALRM)?;
        set(Signal::SIGVTALRM, SigHandler::Handler(nothing))?;
        drop(watch);
        assert!(matches!(set(Signal::SIGVTALRM, SigHandler::SigDfl)?, SigHandler::Handler(_)));
        Ok(())
    }

    #[test]
    fn what_is_no_signal_or_cannot_be_caught_is_refused() {
        for number in [0, -1, 9, 19, 1000] {
            let error = SignalWatch::new(number).err().and_then(|error| error.raw_os_error());
            assert_eq!(error, Some(libc::EINVAL), "{number}");
        }
    }
}
