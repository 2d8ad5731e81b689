//! How a blocked wait of a thread with an event loop is ended.
#![cfg(all(unix, not(loom)))]

mod common;

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Outcome, TIMEOUT, Watchdog, join};
use waitable_event::sys::{Interrupter, Looks, Parker, Pipe};
use waitable_event::{Deadline, Doorbell, Error, Event, Interest, Poller, Trigger};

/// Returns an event loop, and the pipe that it watches.
fn event_loop() -> Outcome<(Poller, Arc<Pipe>)> {
    let (poller, pipe) = (Poller::new()?, Arc::new(Pipe::new()?));
    poller.add(pipe.reader(), 1, Interest::READABLE, Trigger::Level)?;
    Ok((poller, pipe))
}

/// Returns the interrupter of a thread whose event loop is `poller`.
fn interrupter_of(poller: &Poller) -> Outcome<Arc<Interrupter>> {
    Ok(Arc::new(Interrupter::with_loop(poller.as_fd().as_raw_fd())?))
}

/// Waits for an event that no thread sets, and returns the outcome.
fn wait(interrupter: &Arc<Interrupter>, looks: Looks<'_>, deadline: Deadline) -> Outcome<Result<bool, Error>> {
    let parker = Parker { interrupter, looks: Some(looks), spin: None };
    Ok(Event::new()?.wait_with(&parker, deadline))
}

#[test]
fn an_order_to_end_that_comes_through_an_idle_loop_ends_the_wait() -> Outcome {
    let _watchdog = Watchdog::new("an_order_to_end_that_comes_through_an_idle_loop_ends_the_wait");
    let (poller, pipe) = event_loop()?;
    let interrupter = interrupter_of(&poller)?;
    let ordered = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let orderer = thread::spawn({
        let (ordered, asked, pipe) = (ordered.clone(), asked.clone(), pipe.clone());
        move || {
            // The wait sleeps, and looks ever more rarely.
            while asked.load(Ordering::Relaxed) < 3 {
                thread::yield_now();
            }
            ordered.store(true, Ordering::Relaxed);
            pipe.notify()
        }
    });
    let is_ending = || {
        asked.fetch_add(1, Ordering::Relaxed);
        ordered.load(Ordering::Relaxed)
    };
    let looks = Looks { is_ending: &is_ending, are_needed: &|| false, has_request: &|| None };
    let outcome = wait(&interrupter, looks, Deadline::after(Some(TIMEOUT)))?;
    assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
    join(orderer)?;
    Ok(())
}

#[test]
fn an_order_to_end_that_a_readable_loop_cannot_announce_ends_the_wait() -> Outcome {
    let _watchdog = Watchdog::new("an_order_to_end_that_a_readable_loop_cannot_announce_ends_the_wait");
    let (poller, pipe) = event_loop()?;
    let interrupter = interrupter_of(&poller)?;
    // The loop is readable from the beginning, and nothing is written when the order comes.
    pipe.notify()?;
    let asked = AtomicUsize::new(0);
    let is_ending = || asked.fetch_add(1, Ordering::Relaxed) == 8;
    let looks = Looks { is_ending: &is_ending, are_needed: &|| false, has_request: &|| None };
    let outcome = wait(&interrupter, looks, Deadline::after(Some(TIMEOUT)))?;
    assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
    Ok(())
}

#[test]
fn an_order_to_end_that_nothing_announces_is_found_when_the_host_says_that_it_may_come() -> Outcome {
    let _watchdog =
        Watchdog::new("an_order_to_end_that_nothing_announces_is_found_when_the_host_says_that_it_may_come");
    let (poller, _pipe) = event_loop()?;
    for interrupter in [interrupter_of(&poller)?, Arc::new(Interrupter::new()?)] {
        let asked = AtomicUsize::new(0);
        let is_ending = || asked.fetch_add(1, Ordering::Relaxed) == 20;
        let looks = Looks { is_ending: &is_ending, are_needed: &|| true, has_request: &|| None };
        let outcome = wait(&interrupter, looks, Deadline::after(Some(TIMEOUT)))?;
        assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
        let timeout = Duration::from_millis(33);
        let before = Instant::now();
        assert!(!wait(&interrupter, looks, Deadline::after(Some(timeout)))??);
        assert!(before.elapsed() >= timeout);
    }
    Ok(())
}

/// Returns how often a wait of 200 ms looked whether its thread is being ended.
fn count_looks(interrupter: &Arc<Interrupter>) -> Outcome<usize> {
    let asked = AtomicUsize::new(0);
    let is_ending = || {
        asked.fetch_add(1, Ordering::Relaxed);
        false
    };
    let looks = Looks { is_ending: &is_ending, are_needed: &|| false, has_request: &|| None };
    let timeout = Duration::from_millis(200);
    let before = Instant::now();
    assert!(!wait(interrupter, looks, Deadline::after(Some(timeout)))??);
    assert!(before.elapsed() >= timeout);
    Ok(asked.into_inner())
}

#[test]
fn a_wait_looks_rarely_while_the_loop_is_idle_and_fifty_times_a_second_while_it_is_readable() -> Outcome {
    let (poller, pipe) = event_loop()?;
    let interrupter = interrupter_of(&poller)?;
    // After 5, 15, 35, 75 and 155 ms.
    assert!(count_looks(&interrupter)? <= 5);
    pipe.notify()?;
    // Twice a pause, which lasts for 5, 10, 20, 20 … ms, and once at the beginning.
    assert!(count_looks(&interrupter)? <= 25);
    // However much comes.
    let is_over = AtomicBool::new(false);
    let busy = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let _ = pipe.notify();
                thread::yield_now();
            }
        });
        let looks = count_looks(&interrupter);
        is_over.store(true, Ordering::Relaxed);
        looks
    })?;
    assert!(busy <= 25);
    // Once the loop is drained it is polled again. (Only an epoll knows without a poll that nothing is ready any more.)
    pipe.drain()?;
    poller.poll(&mut Vec::new())?;
    assert!(count_looks(&interrupter)? <= 5);
    assert!(count_looks(&interrupter)? <= 5);
    Ok(())
}

#[test]
fn a_wait_within_a_look_leaves_the_other_its_wake_up() -> Outcome {
    let _watchdog = Watchdog::new("a_wait_within_a_look_leaves_the_other_its_wake_up");
    let (poller, pipe) = event_loop()?;
    let interrupter = interrupter_of(&poller)?;
    pipe.notify()?;
    let (outer, inner) = (Event::new()?, Event::new()?);
    let never = Looks { is_ending: &|| false, are_needed: &|| false, has_request: &|| None };
    let has_looked = AtomicBool::new(false);
    let is_ending = || {
        if !has_looked.swap(true, Ordering::Relaxed) {
            // Only a call of the waker tells of it: the pipe is empty again.
            assert!(outer.set().and_then(|()| outer.clear()).is_ok(), "the outer event is open");
            let parker = Parker { interrupter: &interrupter, looks: Some(never), spin: None };
            let outcome = inner.wait_with(&parker, Deadline::after(Some(Duration::from_millis(1))));
            assert!(matches!(outcome, Ok(false)), "{outcome:?}");
        }
        false
    };
    let looks = Some(Looks { is_ending: &is_ending, are_needed: &|| false, has_request: &|| None });
    let parker = Parker { interrupter: &interrupter, looks, spin: None };
    assert!(outer.wait_with(&parker, Deadline::after(Some(TIMEOUT)))?);
    Ok(())
}
