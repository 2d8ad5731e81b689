//! Keeps the promise that a signal stops a loop whose thread sleeps: a source is readable once the signal has come.
//!
//! Windows has no signals. It calls the console handlers of a process, on a thread of their own, when the user presses
//! Ctrl-C or Ctrl-Break, or closes the console. C libraries call that SIGINT, SIGBREAK and SIGHUP.
//!
//! A process has a list of such handlers, and each of them says whether it has dealt with the event. So nothing has to
//! be restored afterwards.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, Weak};

use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, SetConsoleCtrlHandler};

use super::code;
use super::level::Level;
use super::number::{AsDescriptor, Descriptor, Number};
use super::source::Source;
use crate::sync::lock;

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGBREAK: i32 = 21;

/// Those who watch signals: the number of the signal, and what to raise.
static WATCHES: Mutex<Vec<(i32, Weak<Level>)>> = Mutex::new(Vec::new());

/// Who learns of signals, and calls [`deliver`].
pub trait SignalSource: Sync {
    /// Begins to deliver a signal.
    ///
    /// # Errors
    ///
    /// As the system's.
    fn start(&'static self, number: i32) -> io::Result<()>;

    /// Delivers it no longer.
    fn stop(&'static self, number: i32);
}

/// A console handler of our own, for processes in which no other library shares signals.
#[derive(Debug)]
pub struct OwnHandler;

impl SignalSource for OwnHandler {
    fn start(&'static self, number: i32) -> io::Result<()> {
        if ![SIGHUP, SIGINT, SIGBREAK].contains(&number) {
            return Err(code::error(code::UNSUPPORTED));
        }
        // SAFETY: the handler stays a part of this module. Adding it again adds it once more.
        code::check(unsafe { SetConsoleCtrlHandler(Some(on_console_event), 1) })
    }

    fn stop(&'static self, _number: i32) {
        // SAFETY: removes one addition of the handler.
        unsafe { SetConsoleCtrlHandler(Some(on_console_event), 0) };
    }
}

/// Is called by Windows, on a thread of its own. Returns whether a watch has dealt with the event.
unsafe extern "system" fn on_console_event(event: u32) -> i32 {
    let number = match event {
        CTRL_C_EVENT => SIGINT,
        CTRL_BREAK_EVENT => SIGBREAK,
        CTRL_CLOSE_EVENT => SIGHUP,
        _ => return 0,
    };
    i32::from(deliver(number))
}

/// Tells all watches of a signal that it has come. Returns whether there are any.
pub fn deliver(number: i32) -> bool {
    let watches: Vec<_> = lock(&WATCHES)
        .iter()
        .filter(|(wanted, _)| *wanted == number)
        .filter_map(|(_, level)| level.upgrade())
        .collect();
    watches.iter().for_each(|level| level.raise());
    !watches.is_empty()
}

/// A source that is readable once the signal has come, for as long as this lives.
pub struct SignalWatch {
    signal: i32,
    source: &'static dyn SignalSource,
    level: Arc<Level>,
    number: Number,
}

impl SignalWatch {
    /// Watches a signal with a handler of our own.
    ///
    /// # Errors
    ///
    /// ENOTSUP for a number that Windows has no event for.
    pub fn new(signal: i32) -> io::Result<SignalWatch> {
        SignalWatch::with(signal, &OwnHandler)
    }

    /// Watches a signal that `source` delivers.
    ///
    /// # Errors
    ///
    /// The source's.
    pub fn with(signal: i32, source: &'static dyn SignalSource) -> io::Result<SignalWatch> {
        let level = Arc::new(Level::default());
        let number = Number::new(Arc::downgrade(&level) as Weak<dyn Source>);
        lock(&WATCHES).push((signal, Arc::downgrade(&level)));
        if let Err(error) = source.start(signal) {
            forget(&level);
            return Err(error);
        }
        Ok(SignalWatch { signal, source, level, number })
    }
}

/// Removes a watch from the list.
fn forget(watch: &Arc<Level>) {
    lock(&WATCHES).retain(|(_, level)| !std::ptr::eq(level.as_ptr(), Arc::as_ptr(watch)));
}

impl AsDescriptor for SignalWatch {
    fn as_fd(&self) -> Descriptor<'_> {
        self.number.lend()
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.source.stop(self.signal);
        forget(&self.level);
        self.level.close();
    }
}

impl fmt::Debug for SignalWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignalWatch").field("signal", &self.signal).finish_non_exhaustive()
    }
}

/// Has nothing to keep: a signal has no action here.
#[derive(Debug)]
pub struct SignalKeeper(i32);

impl SignalKeeper {
    /// Returns a keeper.
    pub fn new(number: i32) -> io::Result<SignalKeeper> {
        Ok(SignalKeeper(number))
    }

    /// Returns the number of the signal.
    pub fn number(&self) -> i32 {
        self.0
    }

    /// Does nothing.
    pub fn listening(&self) {}
}
