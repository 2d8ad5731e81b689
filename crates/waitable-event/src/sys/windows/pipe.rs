//! Keeps the promise that an event wakes those who sleep on it: a level in memory, which is raised while the event is
//! set. (The doorbell of an event.)
//!
//! Code outside of this package has numbers for it when it asks for them, and not before: a socket to wait for
//! (`outbound.rs`), and a file to write to (`inbound.rs`). The doorbell is notified while the level is raised or a byte
//! is in that file.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use super::code;
use super::inbound::{Inbound, OnInbound};
use super::level::Level;
use super::number::{Descriptor, Fileno, Number, OwnedDescriptor};
use super::outbound::Outbound;
use super::source::Source;
use crate::doorbell::Doorbell;
use crate::park::Wake;
use crate::readiness::{Interest, Readiness};
use crate::sync::lock;

/// The doorbell of an event.
pub struct Pipe {
    bell: Arc<Bell>,
    number: Number,
}

/// The doorbell as a source.
///
/// Locks are taken in this order: the level's, then the socket's.
#[derive(Default)]
pub(super) struct Bell {
    level: Level,
    inbound: OnceLock<Arc<Inbound>>,
    /// Keeps two threads from making a pipe or a connection at once.
    making: Mutex<()>,
    outbound: Mutex<Option<Outbound>>,
}

impl Bell {
    /// Has the socket, if there is one, be readable.
    fn mark(&self) {
        self.with_outbound(Outbound::mark);
    }

    fn unmark(&self) {
        self.with_outbound(Outbound::unmark);
    }

    /// Calls `body` with the socket, if there is one. Closes it when its connection has ended.
    fn with_outbound<T>(&self, body: impl FnOnce(&mut Outbound) -> T) -> Option<T> {
        let mut place = lock(&self.outbound);
        let outbound = place.as_mut()?;
        let result = body(outbound);
        if outbound.is_broken() {
            *place = None;
        }
        Some(result)
    }

    fn is_notified(&self) -> io::Result<bool> {
        Ok(self.level.is_raised() || self.has_byte()?)
    }

    /// Returns whether a byte is in the pipe.
    fn has_byte(&self) -> io::Result<bool> {
        self.inbound.get().map_or(Ok(false), |inbound| inbound.is_notified())
    }

    fn drain(&self) -> io::Result<bool> {
        let mut had_bytes = Ok(false);
        let was_raised = self.level.lower_with(|_| {
            had_bytes = self.inbound.get().map_or(Ok(false), |inbound| inbound.drain());
            self.unmark();
        });
        Ok(had_bytes? || was_raised)
    }
}

impl OnInbound for Bell {
    fn on_inbound(&self) -> io::Result<bool> {
        let mut is_notified = Ok(false);
        self.level.with_locked(|_| {
            is_notified = self.has_byte();
            if matches!(is_notified, Ok(true)) {
                self.mark();
            }
        });
        // An end wakes them, too.
        self.level.wake_watchers();
        is_notified
    }

    fn arm_inbound(&self) {
        if let Some(inbound) = self.inbound.get() {
            inbound.rearm();
        }
    }
}

/// Closes the socket of a doorbell when its connection ends.
struct EndWatch(Weak<Bell>);

impl Wake for EndWatch {
    fn wake(&self) {
        let watching = self.0.upgrade().and_then(|bell| bell.with_outbound(Outbound::clear_writer)?);
        if let Some(watching) = watching {
            watching.rearm(Interest::READABLE);
        }
    }
}

impl Source for Bell {
    fn readiness(&self, interest: Interest) -> Readiness {
        let is_notified = self.is_notified();
        Readiness {
            readable: interest.readable && matches!(is_notified, Ok(true)),
            hang_up: is_notified.is_err(),
            ..Readiness::default()
        }
    }

    fn has_packets(&self) -> bool {
        self.inbound.get().is_some()
    }

    fn watch(&self, watcher: Arc<dyn Wake>, _interest: Interest) -> usize {
        self.level.watch(watcher)
    }

    fn unwatch(&self, watch: usize) {
        self.level.unwatch(watch);
    }
}

impl Pipe {
    /// Returns a doorbell that is not notified.
    pub fn new() -> io::Result<Pipe> {
        let bell = Arc::new(Bell::default());
        let number = Number::new(Arc::downgrade(&bell) as Weak<dyn Source>);
        Ok(Pipe { bell, number })
    }

    /// Returns the number by which a poller of this process watches it.
    pub fn reader(&self) -> Descriptor<'_> {
        self.number.lend()
    }

    /// Returns what a thread sleeps on.
    pub(super) fn source(&self) -> Arc<dyn Source> {
        self.bell.clone()
    }

    /// Returns another number.
    pub fn separate_reader(&self) -> io::Result<OwnedDescriptor> {
        self.reader().try_clone_to_owned()
    }

    /// Returns the number by which pollers of this process watch it.
    pub fn reader_fileno(&self) -> Fileno {
        self.number.get()
    }

    /// Returns the number of a socket that is readable while the doorbell is notified. It is made at the first call,
    /// and again after its connection has ended.
    pub fn shared_reader(&self) -> io::Result<Fileno> {
        let bell = &self.bell;
        let _making = lock(&bell.making);
        let intact = {
            let mut place = lock(&bell.outbound);
            place.take_if(|outbound| outbound.has_ended());
            place.as_ref().map(Outbound::reader)
        };
        let fileno = match intact {
            Some(fileno) => fileno?,
            None => {
                let mut outbound = Outbound::new()?;
                outbound.watch(Arc::new(EndWatch(Arc::downgrade(bell))));
                let fileno = outbound.reader()?;
                *lock(&bell.outbound) = Some(outbound);
                fileno
            }
        };
        // Who raises it from now on marks the socket, and so does this thread if it was raised before.
        if bell.is_notified()? {
            bell.level.with_locked(|is_raised| {
                if is_raised || matches!(bell.has_byte(), Ok(true)) {
                    bell.mark();
                }
            });
        }
        Ok(fileno)
    }

    /// Returns the number of a file that other processes can write to. It is made at the first call.
    pub fn shared_writer(&self) -> io::Result<Fileno> {
        let _making = lock(&self.bell.making);
        if let Some(inbound) = self.bell.inbound.get() {
            return Ok(inbound.writer());
        }
        let inbound = Inbound::new(Arc::downgrade(&self.bell) as Weak<dyn OnInbound>)?;
        Ok(self.bell.inbound.get_or_init(|| inbound).writer())
    }

    /// Reads up to `buffer.len()` bytes, and returns the count: zero when it is not notified. A notification of this
    /// process is one byte.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let bell = &self.bell;
        let mut count = Ok(0);
        // The level stays locked, so that the thread that finds bytes does not mark the socket for those that this
        // call takes.
        bell.level.lower_with(|was_raised| {
            let own = usize::from(was_raised);
            buffer[..own].fill(1);
            let foreign = bell.inbound.get().map_or(Ok(0), |inbound| inbound.read(&mut buffer[own..]));
            count = foreign.map(|foreign| own + foreign);
            match bell.has_byte() {
                Ok(true) => bell.mark(),
                _ => bell.unmark(),
            }
        });
        count
    }

    /// Returns the error that says that there is no write side any more.
    pub fn on_writer_gone(&self) -> io::Error {
        code::error(code::NOT_OPEN)
    }
}

impl Doorbell for Pipe {
    fn notify(&self) -> io::Result<()> {
        self.bell.level.raise_with(|| self.bell.mark());
        Ok(())
    }

    fn drain(&self) -> io::Result<bool> {
        self.bell.drain()
    }

    fn is_notified(&self) -> io::Result<bool> {
        self.bell.is_notified()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if let Some(inbound) = self.bell.inbound.get() {
            inbound.close();
        }
        self.bell.level.close();
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pipe").field("number", &self.number).finish_non_exhaustive()
    }
}
