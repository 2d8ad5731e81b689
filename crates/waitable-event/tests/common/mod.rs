//! What the tests share: bounds on everything that could hang, and waits that announce that they have begun.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use waitable_event::sys::{Interrupter, Parker, Pipe};
use waitable_event::{Deadline, Error, Event, Park, Parked, Wake};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Longer than anything here takes on a busy machine. A wait that takes so long has missed its wake-up.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Ends the process with a message when a test hangs in spite of all bounds.
pub(crate) struct Watchdog(#[allow(unused, reason = "dropped to stop the watchdog")] Sender<()>);

impl Watchdog {
    pub(crate) fn new(test: &'static str) -> Watchdog {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            if receiver.recv_timeout(2 * TIMEOUT) == Err(RecvTimeoutError::Timeout) {
                // Not eprintln!(), whose output the harness holds back until the test ends.
                let _ = writeln!(io::stderr(), "\n{test}: hangs");
                std::process::abort();
            }
        });
        Watchdog(sender)
    }
}

/// Sleeps as `Event::wait` does, and announces it beforehand: from then on the wait must not miss anything.
pub(crate) struct Announcing {
    interrupter: Arc<Interrupter>,
    begun: Sender<()>,
}

impl Announcing {
    pub(crate) fn new(begun: Sender<()>) -> io::Result<Announcing> {
        Ok(Announcing { interrupter: Arc::new(Interrupter::new()?), begun })
    }

    fn parker(&self) -> Parker<'_> {
        Parker { interrupter: &self.interrupter, looks: None, spin: None }
    }

    /// Waits for at most [`TIMEOUT`]; false means that the wait missed its wake-up.
    pub(crate) fn wait(&self, event: &Event) -> Result<bool, Error> {
        event.signal().wait(self, Deadline::after(Some(TIMEOUT)))
    }
}

impl Park<Pipe> for Announcing {
    fn waker(&self) -> Arc<dyn Wake> {
        let _ = self.begun.send(());
        self.parker().waker()
    }

    fn park(&self, doorbell: &Pipe, deadline: Deadline) -> io::Result<Parked> {
        self.parker().park(doorbell, deadline)
    }
}

/// Writes one byte into the event's pipe, as a writer does that has the handle alone.
#[cfg(windows)]
pub(crate) fn foreign_byte(event: &Event) -> Outcome {
    use std::fs::File;
    use std::mem::ManuallyDrop;
    use std::os::windows::io::FromRawHandle;
    use std::ptr::with_exposed_provenance_mut;
    use waitable_event::sys::{FileNumbers, use_file_numbers};

    // A number is the handle itself.
    let open = |handle: *mut std::ffi::c_void| i32::try_from(handle.expose_provenance()).unwrap_or(-1);
    // SAFETY: the handle is owned by the number.
    let close = |number: i32| drop(unsafe { File::from_raw_handle(with_exposed_provenance_mut(number as usize)) });
    use_file_numbers(FileNumbers { open, close, handle: |_| None });
    let number = event.signal().doorbell()?.shared_writer()?;
    // SAFETY: the event keeps it open.
    let file = unsafe { File::from_raw_handle(with_exposed_provenance_mut(number as usize)) };
    assert_eq!((&*ManuallyDrop::new(file)).write(b"x")?, 1);
    Ok(())
}

/// Writes one byte into the event's pipe, as a writer does that has the descriptor alone.
#[cfg(unix)]
pub(crate) fn foreign_byte(event: &Event) -> Outcome {
    let pipe = event.signal().doorbell()?;
    assert_eq!(waitable_event::sys::descriptor::write(pipe.writer_fileno(), b"x")?, 1);
    Ok(())
}

/// Joins a thread, and passes its panic on.
pub(crate) fn join<T>(handle: thread::JoinHandle<T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Returns how many descriptors this process has open.
pub(crate) fn open_descriptors() -> io::Result<usize> {
    // What Linux has there, the others have in /dev.
    let directory = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    Ok(std::fs::read_dir(directory)?.count())
}
