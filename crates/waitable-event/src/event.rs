//! The event: a [`Signal`] over a [`Pipe`], counted by reference and found by key.

use std::cell::OnceCell;
use std::fmt;
use std::io;
use std::sync::{Arc, LazyLock, OnceLock, Weak};
use std::time::Duration;

use crate::adaptive_spin::AdaptiveSpin;
use crate::deadline::Deadline;
use crate::doorbell::Doorbell;
use crate::error::Error;
use crate::registry::Registry;
use crate::signal::Signal;
use crate::state::State;
use crate::sys::{self, Interrupter, Parker, Pipe};

/// An event that any thread can set and any thread can wait for.
///
/// Clones are the same event. Its two descriptors are closed by [`Event::close`], or with the last clone. A call that
/// is under way in another thread keeps them open until it returns.
///
/// The methods are those of Python's `threading.Event` and BACpypes' `WaitableEvent`. The event is a level, not a
/// count; waiting does not clear it.
#[derive(Clone)]
pub struct Event(Arc<Inner>);

struct Inner {
    signal: Signal<Pipe>,
    key: OnceLock<u64>,
}

/// The events of this process that have a key.
static REGISTRY: LazyLock<Registry<Inner>> = LazyLock::new(Registry::new);

impl Event {
    /// Returns a clear event.
    ///
    /// # Errors
    ///
    /// The system's error (EMFILE, ENFILE) when there are no descriptors left. Nothing leaks then.
    pub fn new() -> Result<Event, Error> {
        Event::with_state(State::new())
    }

    /// Returns a clear event whose state word the caller provides.
    ///
    /// # Errors
    ///
    /// Those of [`Event::new`].
    pub fn with_state(state: State) -> Result<Event, Error> {
        let signal = Signal::new(state, Pipe::new()?);
        Ok(Event(Arc::new(Inner { signal, key: OnceLock::new() })))
    }

    /// Returns the live event with this [`Event::key`]. Its state word is not read.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidHandle`] when no live event has this key.
    pub fn find(key: u64) -> Result<Event, Error> {
        REGISTRY.find(key).map(Event).ok_or(Error::InvalidHandle)
    }

    /// Returns a number below 2^53 by which other threads of this process [`Event::find`] the event, for as long as a
    /// thread holds it.
    pub fn key(&self) -> u64 {
        *self.0.key.get_or_init(|| REGISTRY.register(Arc::downgrade(&self.0)))
    }

    /// Sets the event: wakes the waiters, and lets later waits return immediately. Never blocks.
    pub fn set(&self) -> Result<(), Error> {
        self.0.signal.set()
    }

    /// Clears the event. One call clears however many setters there were. Never blocks.
    pub fn clear(&self) -> Result<(), Error> {
        self.0.signal.clear()
    }

    /// Returns whether the event is set, by [`Event::set`] or by a byte from a foreign writer.
    ///
    /// # Errors
    ///
    /// EBADF when foreign code has closed a descriptor of the event. That closes the event.
    pub fn is_set(&self) -> Result<bool, Error> {
        self.0.signal.is_set().inspect_err(|error| self.on_error(error))
    }

    /// Waits until the event is set, and returns whether it was: false when `timeout` passed first. `None` waits
    /// indefinitely. A `set()` that was cleared before this thread woke counts.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, Error> {
        let deadline = Deadline::after(timeout);
        match own_interrupter() {
            Ok(interrupter) => SPIN.with(|spin| {
                let spin = Some(spin);
                let parker = Parker { interrupter: &interrupter, looks: None, spin };
                self.wait_with(&parker, deadline)
            }),
            // Only a sleep needs the descriptors that could not be had.
            Err(error) => match self.is_set()? {
                false if !deadline.has_passed() => Err(error.into()),
                set => Ok(set),
            },
        }
    }

    /// Waits as [`Event::wait`] does, and sleeps by means of `parker`.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when another thread closes the event meanwhile, [`Error::Interrupted`] when the parker says
    /// that the thread is being ended.
    pub fn wait_with(&self, parker: &Parker<'_>, deadline: Deadline) -> Result<bool, Error> {
        self.0.signal.wait(parker, deadline).inspect_err(|error| self.on_error(error))
    }

    /// Closes the event after EBADF: nothing can set it or wake its waiters any more. So one caller gets that error,
    /// and all others [`Error::Closed`].
    fn on_error(&self, error: &Error) {
        if matches!(error, Error::Io(error) if sys::is_bad_descriptor(error)) {
            self.close();
        }
    }

    /// Closes the event, whose pipe was reported as ended, and returns the error for the caller: EBADF.
    pub fn on_end_of_pipe(&self) -> Error {
        let error = match self.0.signal.doorbell() {
            Ok(pipe) => pipe.on_writer_gone().into(),
            Err(error) => return error,
        };
        self.close();
        error
    }

    /// Reads up to `buffer.len()` bytes out of the pipe, as asyncore's `recv()` would. The event is clear when that
    /// empties the pipe.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.0.signal.clear_with(|pipe| {
            let count = pipe.read(buffer)?;
            // At the end of the pipe there is nothing left, and the next caller is told.
            let is_drained = !buffer.is_empty() && !pipe.is_notified().unwrap_or(false);
            Ok((count, is_drained.then_some(count > 0)))
        })
    }

    /// Closes the event for all threads: waiters get [`Error::Closed`]. Returns whether this call closed it; closing
    /// twice is allowed.
    pub fn close(&self) -> bool {
        self.0.unregister();
        self.0.signal.close()
    }

    /// Returns whether the event is closed.
    pub fn is_closed(&self) -> bool {
        self.0.signal.state().observe().is_closed()
    }

    /// Returns a reference that does not hold the event.
    pub fn downgrade(&self) -> WeakEvent {
        WeakEvent(Arc::downgrade(&self.0))
    }

    /// Returns the signal beneath, for callers that wait in their own way.
    pub fn signal(&self) -> &Signal<Pipe> {
        &self.0.signal
    }
}

impl Inner {
    fn unregister(&self) {
        if let Some(key) = self.key.get() {
            REGISTRY.unregister(*key);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.unregister();
    }
}

thread_local! {
    /// The history of this thread's spins.
    static SPIN: AdaptiveSpin = const { AdaptiveSpin::new() };
}

/// Returns this thread's interrupter, made when the thread first waits. If there were no descriptors for it, the next
/// wait tries again.
fn own_interrupter() -> io::Result<Arc<Interrupter>> {
    thread_local! {
        static INTERRUPTER: OnceCell<Arc<Interrupter>> = const { OnceCell::new() };
    }
    INTERRUPTER.with(|cell| match cell.get() {
        Some(interrupter) => Ok(interrupter.clone()),
        None => {
            let interrupter = Arc::new(Interrupter::new()?);
            Ok(cell.get_or_init(|| interrupter).clone())
        }
    })
}

/// A reference to an [`Event`] that does not hold it, or its descriptors.
#[derive(Clone)]
pub struct WeakEvent(Weak<Inner>);

impl WeakEvent {
    /// Returns the event, if a thread still holds it.
    pub fn upgrade(&self) -> Option<Event> {
        self.0.upgrade().map(Event)
    }
}

impl fmt::Debug for WeakEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WeakEvent").finish_non_exhaustive()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Event").finish_non_exhaustive()
    }
}
