//! The event: a [`Signal`] over a [`Pipe`], counted by reference and found by key.

use std::cell::OnceCell;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use crate::sys::{Interrupter, Parker, Pipe};
use crate::{Deadline, Error, Linger, Signal, State, registry};

/// An event that any thread can set and any thread can wait for.
///
/// Clones are the same event. Its two descriptors are closed by [`Event::close`], or with the last clone; a call
/// that is under way in another thread keeps them open until it is done.
///
/// The methods are those of Python's `threading.Event` and BACpypes' `WaitableEvent`: the event is a
/// level, not a count; waiting does not clear it.
#[derive(Clone)]
pub struct Event(Arc<Inner>);

pub(crate) struct Inner {
    signal: Signal<Pipe>,
    key: OnceLock<u64>,
}

impl Event {
    /// A clear event. Fails with the system's error (EMFILE, ENFILE) when there are no descriptors
    /// left, and leaks nothing then.
    pub fn new() -> Result<Event, Error> {
        Event::with_state(State::new())
    }

    /// A clear event whose state word the caller provides.
    pub fn with_state(state: State) -> Result<Event, Error> {
        let signal = Signal::new(state, Pipe::new()?);
        Ok(Event(Arc::new(Inner { signal, key: OnceLock::new() })))
    }

    /// The live event with this [`Event::key`]. Its state word is not looked at.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidHandle`] when there is none, or none any more.
    pub fn find(key: u64) -> Result<Event, Error> {
        registry::find(key).ok_or(Error::InvalidHandle)
    }

    /// A number below 2^53 by which other threads of this process [`Event::find`] the event for as
    /// long as somebody holds it.
    pub fn key(&self) -> u64 {
        *self.0.key.get_or_init(|| registry::register(Arc::downgrade(&self.0)))
    }

    pub(crate) fn upgrade(weak: &Weak<Inner>) -> Option<Event> {
        weak.upgrade().map(Event)
    }

    /// Sets the event: whoever waits is woken, whoever waits later is not kept waiting. Never blocks.
    pub fn set(&self) -> Result<(), Error> {
        self.0.signal.set()
    }

    /// Clears the event. One call clears however many setters there were. Never blocks.
    pub fn clear(&self) -> Result<(), Error> {
        self.0.signal.clear()
    }

    /// Whether the event is set, by [`Event::set`] or by a byte from a foreign writer.
    pub fn is_set(&self) -> Result<bool, Error> {
        self.0.signal.is_set()
    }

    /// Waits until the event is set, and returns whether it was: false when `timeout` passed first.
    /// `None` waits for ever. A `set()` that was cleared before this thread got up counts.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, Error> {
        let deadline = Deadline::after(timeout);
        match own_interrupter() {
            Ok(interrupter) => LINGER.with(|linger| {
                let linger = Some(linger);
                let parker = Parker { interrupter: &interrupter, ending: &|| false, slice: None, linger };
                self.wait_with(&parker, deadline)
            }),
            // Only a sleep needs what there is none of.
            Err(error) => match self.is_set()? {
                false if !deadline.has_come() => Err(error.into()),
                set => Ok(set),
            },
        }
    }

    /// [`Event::wait`] for those who sleep in their own way.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when somebody closes the event meanwhile, [`Error::Interrupted`] when the
    /// parker says that the thread is being ended.
    pub fn wait_with(&self, parker: &Parker<'_>, deadline: Deadline) -> Result<bool, Error> {
        self.0.signal.wait(parker, deadline)
    }

    /// Reads up to `buffer.len()` bytes out of the pipe, as asyncore's `recv()` would; the event is
    /// clear when that empties it.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        use crate::Bell;
        self.0.signal.clear_with(|pipe| {
            let count = pipe.read(buffer)?;
            let silent = !buffer.is_empty() && !pipe.is_ringing()?;
            Ok((count, silent.then_some(count > 0)))
        })
    }

    /// Closes the event for everybody: whoever waits gets [`Error::Closed`]. Returns whether this
    /// call did it; closing twice is allowed.
    pub fn close(&self) -> bool {
        self.forget();
        self.0.signal.close()
    }

    /// Whether the event is closed.
    pub fn is_closed(&self) -> bool {
        self.0.signal.state().observe().is_closed()
    }

    /// The event, not held.
    pub fn downgrade(&self) -> WeakEvent {
        WeakEvent(Arc::downgrade(&self.0))
    }

    /// The signal beneath, for those who wait in their own way.
    pub fn signal(&self) -> &Signal<Pipe> {
        &self.0.signal
    }

    fn forget(&self) {
        if let Some(key) = self.0.key.get() {
            registry::forget(*key);
        }
    }
}

thread_local! {
    /// What this thread has learnt of lingering.
    static LINGER: Linger = const { Linger::new() };
}

/// This thread's interrupter, made when the thread first waits. When there are no descriptors left for it,
/// the next wait tries again.
fn own_interrupter() -> std::io::Result<Arc<Interrupter>> {
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

/// An [`Event`] that is not held: its descriptors are closed although this is there.
#[derive(Clone)]
pub struct WeakEvent(Weak<Inner>);

impl WeakEvent {
    /// The event, if somebody still holds it.
    pub fn upgrade(&self) -> Option<Event> {
        Event::upgrade(&self.0)
    }
}

impl fmt::Debug for WeakEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WeakEvent").finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(key) = self.key.get() {
            registry::forget(*key);
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Event").finish_non_exhaustive()
    }
}
