//! The socket of an event whose connection ends, on Windows. In a process of its own: what is done to the number of a
//! socket must not meet another one.
#![cfg(all(windows, not(loom)))]

mod common;

use std::io::Write;
use std::mem::ManuallyDrop;
use std::net::{Shutdown, TcpStream};
use std::os::windows::io::{FromRawSocket, RawSocket};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use common::{Outcome, TIMEOUT, Watchdog, foreign_byte};
use waitable_event::sys::{Fileno, Member, look};
use waitable_event::{Event, Interest, Readiness};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessTimes};

/// Keeps one test from the numbers that the other one closes.
static ALONE: Mutex<()> = Mutex::new(());

/// What ends the connection of a socket with a number.
type End = fn(Fileno) -> Outcome;

/// Returns the socket with a number, which belongs to another owner.
fn foreign(number: Fileno) -> Outcome<ManuallyDrop<TcpStream>> {
    let socket = RawSocket::try_from(number)?;
    // SAFETY: it is not closed here.
    Ok(ManuallyDrop::new(unsafe { TcpStream::from_raw_socket(socket) }))
}

fn finish(number: Fileno) -> Outcome {
    Ok(foreign(number)?.shutdown(Shutdown::Write)?)
}

fn stop(number: Fileno) -> Outcome {
    Ok(foreign(number)?.shutdown(Shutdown::Both)?)
}

/// Returns whether a socket is readable, and an error for a number that is not open.
fn is_readable(number: Fileno) -> std::io::Result<bool> {
    look(&mut [Member { fd: number, interest: Interest::READABLE, readiness: Readiness::default() }])
        .map(|count| count > 0)
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !holds() {
        assert!(Instant::now() < deadline, "it never happened: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the time for which the processor has worked for this process, in units of 100 ns.
fn processor_time() -> u64 {
    let mut times = [FILETIME::default(); 4];
    let [created, ended, kernel, user] = &mut times;
    // SAFETY: the call writes four times.
    let result = unsafe { GetProcessTimes(GetCurrentProcess(), created, ended, kernel, user) };
    assert_ne!(result, 0);
    times[2..].iter().map(|time| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)).sum()
}

fn check_mirror(event: &Event, number: Fileno) -> Outcome {
    for _ in 0..3 {
        assert!(!is_readable(number)?);
        event.set()?;
        wait_until("the number is readable", || matches!(is_readable(number), Ok(true)));
        event.clear()?;
        assert!(!is_readable(number)?);
    }
    Ok(())
}

#[test]
fn a_connection_that_ends_is_closed_and_made_again() -> Outcome {
    let _watchdog = Watchdog::new("a_connection_that_ends_is_closed_and_made_again");
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let ends: [End; 2] = [finish, stop];
    for end in ends {
        let event = Event::new()?;
        let doorbell = event.signal().doorbell()?;
        let number = doorbell.shared_reader()?;
        assert_eq!(doorbell.shared_reader()?, number, "there is one");
        check_mirror(&event, number)?;
        // The end comes without a call of the event.
        end(number)?;
        wait_until("the number is closed", || is_readable(number).is_err());
        let before = processor_time();
        thread::sleep(Duration::from_millis(300));
        assert!(processor_time() - before < 1_000_000, "the processor works, and nothing happens");
        // The event works without it.
        event.set()?;
        assert!(event.is_set()?);
        event.clear()?;
        assert!(!event.is_set()?);
        check_mirror(&event, doorbell.shared_reader()?)?;
        // Also when the event is set meanwhile.
        event.set()?;
        end(doorbell.shared_reader()?)?;
        let fresh = doorbell.shared_reader()?;
        wait_until("the new number is readable", || matches!(is_readable(fresh), Ok(true)));
        event.clear()?;
        check_mirror(&event, fresh)?;
    }
    Ok(())
}

#[test]
fn what_is_written_to_the_number_changes_nothing() -> Outcome {
    let _watchdog = Watchdog::new("what_is_written_to_the_number_changes_nothing");
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let event = Event::new()?;
    let number = event.signal().doorbell()?.shared_reader()?;
    for _ in 0..3 {
        foreign(number)?.write_all(&[7; 2000])?;
        check_mirror(&event, number)?;
    }
    Ok(())
}

#[test]
fn after_a_read_the_number_is_readable_if_bytes_are_left_and_not_if_none_are() -> Outcome {
    let _watchdog = Watchdog::new("after_a_read_the_number_is_readable_if_bytes_are_left_and_not_if_none_are");
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let event = Event::new()?;
    let doorbell = event.signal().doorbell()?;
    let number = doorbell.shared_reader()?;
    for round in 0..200 {
        foreign_byte(&event)?;
        foreign_byte(&event)?;
        // In every other round, perhaps before the thread that takes bytes out of the pipe has seen them.
        if round % 2 == 0 {
            wait_until("the number is readable", || matches!(is_readable(number), Ok(true)));
        }
        assert_eq!(doorbell.read(&mut [0; 1])?, 1, "round {round}");
        wait_until("the number is readable for the second byte", || matches!(is_readable(number), Ok(true)));
        assert_eq!(doorbell.read(&mut [0; 8])?, 1, "round {round}");
        assert!(!event.is_set()?);
        // The thread may be about to answer for bytes that are gone by now.
        thread::sleep(Duration::from_millis(round % 3));
        assert!(!is_readable(number)?, "round {round}: no byte is left");
    }
    Ok(())
}
