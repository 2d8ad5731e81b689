//! What the tests share: bounds on everything that could hang, and waits that say that they have begun.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use waitable_event::sys::{Interrupter, Parker, Pipe};
use waitable_event::{Deadline, Error, Event, Park, Parked, Wake};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Longer than anything here takes on a busy machine. Whoever waits so long has been forgotten.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the process with a message when a test hangs in spite of all bounds.
pub(crate) struct Watchdog(#[allow(unused, reason = "dropped to call the dog off")] Sender<()>);

impl Watchdog {
    pub(crate) fn new(test: &'static str) -> Watchdog {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            if receiver.recv_timeout(2 * PATIENCE) == Err(RecvTimeoutError::Timeout) {
                // Not eprintln!(), which the harness keeps to itself until the test ends.
                let _ = writeln!(io::stderr(), "\n{test}: hangs");
                std::process::abort();
            }
        });
        Watchdog(sender)
    }
}

/// Sleeps as `Event::wait` does, and says so beforehand: from then on the wait must not miss anything.
pub(crate) struct Announcing {
    interrupter: Arc<Interrupter>,
    begun: Sender<()>,
}

impl Announcing {
    pub(crate) fn new(begun: Sender<()>) -> io::Result<Announcing> {
        Ok(Announcing { interrupter: Arc::new(Interrupter::new()?), begun })
    }

    fn parker(&self) -> Parker<'_> {
        Parker { interrupter: &self.interrupter, ending: &|| false, slice: None, linger: None }
    }

    /// Waits with [`PATIENCE`]; false means that the wait was forgotten.
    pub(crate) fn wait(&self, event: &Event) -> Result<bool, Error> {
        event.signal().wait(self, Deadline::after(Some(PATIENCE)))
    }
}

impl Park<Pipe> for Announcing {
    fn waker(&self) -> Arc<dyn Wake> {
        let _ = self.begun.send(());
        self.parker().waker()
    }

    fn park(&self, bell: &Pipe, deadline: Deadline) -> io::Result<Parked> {
        self.parker().park(bell, deadline)
    }
}

/// One byte into the event's pipe, as from a writer who has nothing but the descriptor.
pub(crate) fn foreign_byte(event: &Event) -> Outcome {
    let pipe = event.signal().bell()?;
    assert_eq!(waitable_event::sys::descriptor::write(pipe.writer_fileno(), b"x")?, 1);
    Ok(())
}

/// Joins a thread, passing its panic on.
pub(crate) fn join<T>(handle: thread::JoinHandle<T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// How many descriptors this process has open.
pub(crate) fn open_descriptors() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}
