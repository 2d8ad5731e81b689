//! How a blocked wait of a thread with an event loop is ended.
#![cfg(not(loom))]

mod common;

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Outcome, TIMEOUT, Watchdog, join};
use waitable_event::sys::{Interrupter, Parker, Pipe};
use waitable_event::{Deadline, Doorbell, Error, Event, Interest, Poller, Trigger};

/// Returns an event loop, and the pipe that it watches.
fn event_loop() -> Outcome<(Poller, Arc<Pipe>)> {
    let (poller, pipe) = (Poller::new()?, Arc::new(Pipe::new()?));
    poller.add(pipe.reader(), 1, Interest::READABLE, Trigger::Level)?;
    Ok((poller, pipe))
}

#[test]
fn an_order_to_end_that_comes_through_the_loop_ends_the_wait() -> Outcome {
    let _watchdog = Watchdog::new("an_order_to_end_that_comes_through_the_loop_ends_the_wait");
    let (poller, pipe) = event_loop()?;
    let interrupter = Arc::new(Interrupter::new()?);
    interrupter.watch_loop(poller.as_fd().as_raw_fd())?;
    // The loop has work from the beginning, so that its descriptor is readable before the order comes.
    pipe.notify()?;
    let ordered = Arc::new(AtomicUsize::new(0));
    let orderer = thread::spawn({
        let (ordered, pipe) = (ordered.clone(), pipe.clone());
        move || {
            ordered.store(1, Ordering::Relaxed);
            pipe.notify()
        }
    });
    let is_ending = || ordered.load(Ordering::Relaxed) == 1;
    let parker = Parker { interrupter: &interrupter, is_ending: &is_ending, slice: None, spin: None };
    let outcome = Event::new()?.wait_with(&parker, Deadline::after(Some(TIMEOUT)));
    assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
    join(orderer)?;
    Ok(())
}

#[test]
fn work_that_the_loop_cannot_do_meanwhile_does_not_spin_the_wait() -> Outcome {
    let (poller, pipe) = event_loop()?;
    let interrupter = Arc::new(Interrupter::new()?);
    interrupter.watch_loop(poller.as_fd().as_raw_fd())?;
    pipe.notify()?;
    let asked = AtomicUsize::new(0);
    let is_ending = || {
        asked.fetch_add(1, Ordering::Relaxed);
        false
    };
    let parker = Parker { interrupter: &interrupter, is_ending: &is_ending, slice: None, spin: None };
    let timeout = Duration::from_millis(50);
    let before = Instant::now();
    assert!(!Event::new()?.wait_with(&parker, Deadline::after(Some(timeout)))?);
    assert!(before.elapsed() >= timeout);
    assert!(asked.into_inner() <= 1);
    Ok(())
}

#[test]
fn without_a_loop_the_order_to_end_is_asked_for_in_slices_that_do_not_end_the_wait() -> Outcome {
    let _watchdog = Watchdog::new("without_a_loop_the_order_to_end_is_asked_for_in_slices_that_do_not_end_the_wait");
    let event = Event::new()?;
    let interrupter = Arc::new(Interrupter::new()?);
    let asked = AtomicUsize::new(0);
    let is_ending = || asked.fetch_add(1, Ordering::Relaxed) == 5;
    let parker = Parker {
        interrupter: &interrupter,
        is_ending: &is_ending,
        slice: Some(Duration::from_micros(200)),
        spin: None,
    };
    let outcome = event.wait_with(&parker, Deadline::NEVER);
    assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 6);
    let timeout = Duration::from_millis(3);
    let before = Instant::now();
    assert!(!event.wait_with(&parker, Deadline::after(Some(timeout)))?);
    assert!(before.elapsed() >= timeout);
    Ok(())
}
