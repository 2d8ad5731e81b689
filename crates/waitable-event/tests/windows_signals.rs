//! Console events as signals, on Windows.
#![cfg(all(windows, not(loom)))]

mod common;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Outcome, TIMEOUT, Watchdog};
use waitable_event::sys::{AsDescriptor, SignalSource, SignalWatch, deliver};
use waitable_event::{Deadline, Interest, Poller, Trigger};
use windows_sys::Win32::System::Console::{AllocConsole, CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
const SIGBREAK: i32 = 21;

/// Counts how often it was started and not stopped.
struct Counting(AtomicUsize);

impl SignalSource for Counting {
    fn start(&'static self, number: i32) -> io::Result<()> {
        if number == SIGTERM {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn stop(&'static self, _number: i32) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_watch_is_told_of_its_signal_and_of_no_other() -> Outcome {
    let _watchdog = Watchdog::new("a_watch_is_told_of_its_signal_and_of_no_other");
    static SOURCE: Counting = Counting(AtomicUsize::new(0));
    let poller = Poller::new()?;
    assert!(!deliver(SIGINT), "no watch deals with it");
    let watch = SignalWatch::with(SIGINT, &SOURCE)?;
    poller.add(watch.as_fd(), 1, Interest::READABLE, Trigger::Level)?;
    assert!(!deliver(SIGHUP));
    assert!(!poller.wait(Deadline::after_millis(1.0))?);
    assert!(deliver(SIGINT));
    assert!(poller.wait(Deadline::after(Some(TIMEOUT)))?);
    assert!(SignalWatch::with(SIGTERM, &SOURCE).is_err());
    assert!(!deliver(SIGTERM), "a watch that its source has refused is none");
    assert_eq!(SOURCE.0.load(Ordering::Relaxed), 1);
    drop(watch);
    assert_eq!(SOURCE.0.load(Ordering::Relaxed), 0);
    assert!(!deliver(SIGINT));
    assert!(!poller.wait(Deadline::after_millis(1.0))?, "a watch that has ended is in no poller");
    Ok(())
}

#[test]
fn the_console_tells_of_ctrl_break() -> Outcome {
    let _watchdog = Watchdog::new("the_console_tells_of_ctrl_break");
    // SAFETY: fails when the process has a console.
    unsafe { AllocConsole() };
    let poller = Poller::new()?;
    let watch = SignalWatch::new(SIGBREAK)?;
    poller.add(watch.as_fd(), 1, Interest::READABLE, Trigger::Level)?;
    assert!(SignalWatch::new(SIGTERM).is_err(), "Windows sends none");
    // SAFETY: two numbers. It goes to the processes of this console.
    if unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, 0) } == 0 {
        // Wine makes no console without a terminal.
        println!("not tested: {}", io::Error::last_os_error());
        return Ok(());
    }
    assert!(poller.wait(Deadline::after(Some(TIMEOUT)))?);
    Ok(())
}
