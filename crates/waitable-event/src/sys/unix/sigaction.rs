//! Signals as descriptors: readable once the signal has come.
//!
//! JavaScript's own signal handlers run in the event loop of the main thread, so a thread that sleeps in native code
//! receives no signal. A [`SignalWatch`] takes a signal over for as long as it lives: the signal is delivered to its
//! watches alone.
//!
//! **The handler** runs on any thread, at any moment, and may do almost nothing. It loads atomics and writes to
//! descriptors that are never closed. That is why places are pooled: a handler that still runs when a watch ends can at
//! most write to a descriptor that is not polled.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{LazyLock, Mutex};

use nix::errno::Errno;
use nix::libc;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::sync::lock;

/// The number of watches that a process can have.
const PLACES: usize = 64;

/// What the handler reads: for each place, the signal it is for (0: none) and its descriptor.
static WANTED: [AtomicI32; PLACES] = [const { AtomicI32::new(0) }; PLACES];
static DESCRIPTORS: [AtomicI32; PLACES] = [const { AtomicI32::new(-1) }; PLACES];

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Table {
    /// The descriptors of the places, made when a place is first used, and never closed.
    descriptors: Vec<EventFd>,
    /// For each signal that is watched: the number of watches, and the disposition before.
    signals: HashMap<Signal, (usize, SigAction)>,
}

/// A signal that is taken over for as long as this lives.
pub struct SignalWatch {
    signal: Signal,
    place: usize,
    /// A duplicate of the place's descriptor, so that a poller forgets it when the watch ends.
    descriptor: OwnedFd,
}

impl SignalWatch {
    /// Takes over the signal with this number.
    ///
    /// # Errors
    ///
    /// EINVAL for a number that is no signal or cannot be taken over (SIGKILL, SIGSTOP), EAGAIN when there are too many
    /// watches.
    pub fn new(number: i32) -> io::Result<SignalWatch> {
        let signal = Signal::try_from(number)?;
        let mut table = lock(&TABLE);
        let place = (0..PLACES)
            .find(|place| WANTED[*place].load(Ordering::Relaxed) == 0)
            .ok_or_else(|| io::Error::from(Errno::EAGAIN))?;
        while table.descriptors.len() <= place {
            let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
            let descriptor = EventFd::from_value_and_flags(0, flags)?;
            DESCRIPTORS[table.descriptors.len()].store(descriptor.as_raw_fd(), Ordering::Relaxed);
            table.descriptors.push(descriptor);
        }
        // A late handler may have written to it.
        let _ = table.descriptors[place].read();
        let descriptor = table.descriptors[place].as_fd().try_clone_to_owned()?;
        WANTED[place].store(number, Ordering::Release);
        if let Some((count, _)) = table.signals.get_mut(&signal) {
            *count += 1;
        } else {
            let action = SigAction::new(SigHandler::Handler(on_signal), SaFlags::SA_RESTART, SigSet::empty());
            // SAFETY: the handler is async-signal-safe: atomics and write().
            let previous =
                unsafe { sigaction(signal, &action) }.inspect_err(|_| WANTED[place].store(0, Ordering::Release))?;
            table.signals.insert(signal, (1, previous));
        }
        Ok(SignalWatch { signal, place, descriptor })
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        let mut table = lock(&TABLE);
        WANTED[self.place].store(0, Ordering::Release);
        if let Some((count, previous)) = table.signals.get_mut(&self.signal) {
            *count -= 1;
            if *count == 0 {
                // SAFETY: the disposition before `new`, with its own handler.
                let _ = unsafe { sigaction(self.signal, previous) };
                table.signals.remove(&self.signal);
            }
        }
    }
}

impl AsFd for SignalWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl fmt::Debug for SignalWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignalWatch").field("signal", &self.signal).finish_non_exhaustive()
    }
}

extern "C" fn on_signal(number: i32) {
    let errno = Errno::last();
    for place in 0..PLACES {
        if WANTED[place].load(Ordering::Acquire) == number {
            let one = 1u64;
            // SAFETY: eight bytes of ours, to a descriptor that is never closed. A failure (the counter is full) does
            // not matter: the descriptor is readable then.
            unsafe { libc::write(DESCRIPTORS[place].load(Ordering::Relaxed), (&raw const one).cast(), 8) };
        }
    }
    errno.set();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::Deadline;
    use nix::poll::{PollFd, PollFlags};
    use nix::sys::signal::raise;

    fn is_readable(watch: &SignalWatch) -> io::Result<bool> {
        let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
        Ok(super::super::ppoll::sleep(&mut fds, Deadline::after_millis(0.0))? > 0)
    }

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
        // SAFETY: reads the disposition and restores it.
        let now = unsafe {
            sigaction(Signal::SIGUSR2, &SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty()))
        }?;
        assert!(matches!(now.handler(), SigHandler::SigDfl));
        // SAFETY: as above.
        unsafe { sigaction(Signal::SIGUSR2, &now) }?;
        let third = SignalWatch::new(libc::SIGUSR2)?;
        assert!(!is_readable(&third)?, "a place starts drained");
        Ok(())
    }

    #[test]
    fn what_is_no_signal_or_cannot_be_taken_over_is_refused() {
        for number in [0, -1, 9, 19, 1000] {
            let error = SignalWatch::new(number).err().and_then(|error| error.raw_os_error());
            assert_eq!(error, Some(libc::EINVAL), "{number}");
        }
    }
}
