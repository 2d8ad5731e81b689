//! What one thread sees of an event: a level that set() and clear() change, and timeouts.
#![cfg(not(loom))]

mod common;

#[cfg(unix)]
use std::process::{Command, Stdio};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::{Outcome, TIMEOUT, Watchdog, foreign_byte};
#[cfg(unix)]
use waitable_event::sys::descriptor;
use waitable_event::sys::{Interrupter, Parker};
use waitable_event::{Deadline, Error, Event, State};

#[test]
fn an_event_is_clear_until_set_and_set_until_cleared() -> Outcome {
    let event = Event::new()?;
    assert!(!event.is_set()?);
    event.set()?;
    event.set()?;
    assert!(event.is_set()?);
    assert!(event.wait(None)?, "set before the wait");
    assert!(event.wait(Some(TIMEOUT))?, "waiting does not clear");
    event.clear()?;
    assert!(!event.is_set()?, "one clear() for two set()s");
    event.clear()?;
    assert!(!event.wait(Some(Duration::ZERO))?);
    Ok(())
}

#[test]
fn clones_are_the_same_event() -> Outcome {
    let event = Event::new()?;
    let clone = event.clone();
    clone.set()?;
    assert!(event.is_set()?);
    drop(clone);
    assert!(event.is_set()?);
    assert!(event.close());
    Ok(())
}

#[test]
fn events_go_from_thread_to_thread() {
    fn is_shared<T: Send + Sync + Clone + 'static>() {}
    is_shared::<Event>();
}

#[test]
fn a_timeout_never_ends_early_and_keeps_its_fractions() -> Outcome {
    let event = Event::new()?;
    for micros in [1, 300, 999, 1_001, 1_700, 10_500] {
        let timeout = Duration::from_micros(micros);
        let before = Instant::now();
        assert!(!event.wait(Some(timeout))?);
        let elapsed = before.elapsed();
        assert!(elapsed >= timeout, "{elapsed:?} is less than {timeout:?}");
        assert!(elapsed < TIMEOUT);
    }
    Ok(())
}

#[test]
fn a_timeout_in_milliseconds_may_be_a_fraction_zero_negative_or_infinite() -> Outcome {
    let _watchdog = Watchdog::new("a_timeout_in_milliseconds_may_be_a_fraction_zero_negative_or_infinite");
    let event = Event::new()?;
    let interrupter = Interrupter::new()?.into();
    let parker = Parker { interrupter: &interrupter, looks: None, spin: None };
    let before = Instant::now();
    assert!(!event.wait_with(&parker, Deadline::after_millis(2.75))?);
    assert!(before.elapsed() >= Duration::from_micros(2750));
    for due in [0.0, -1.0, f64::NEG_INFINITY, f64::NAN] {
        event.clear()?;
        assert!(!event.wait_with(&parker, Deadline::after_millis(due))?, "{due}");
        event.set()?;
        assert!(event.wait_with(&parker, Deadline::after_millis(due))?, "{due} probes once");
        event.clear()?;
        foreign_byte(&event)?;
        assert!(event.wait_with(&parker, Deadline::after_millis(due))?, "{due} probes the pipe too");
    }
    assert!(event.wait_with(&parker, Deadline::after_millis(f64::INFINITY))?);
    Ok(())
}

#[test]
fn a_foreign_byte_sets_and_one_clear_clears() -> Outcome {
    let event = Event::new()?;
    foreign_byte(&event)?;
    foreign_byte(&event)?;
    assert!(event.is_set()?);
    assert!(event.wait(Some(TIMEOUT))?);
    event.set()?;
    event.clear()?;
    assert!(!event.is_set()?);
    assert!(!event.wait(Some(Duration::ZERO))?);
    Ok(())
}

#[cfg(unix)]
#[test]
fn another_process_sets_by_writing_to_the_descriptor() -> Outcome {
    let _watchdog = Watchdog::new("another_process_sets_by_writing_to_the_descriptor");
    let event = Event::new()?;
    let pipe = event.signal().doorbell()?;
    // SAFETY: `pipe` keeps the descriptor open.
    let writer = unsafe { descriptor::borrow(pipe.writer_fileno()) }?.try_clone_to_owned()?;
    let mut child = Command::new("echo").stdout(Stdio::from(writer)).spawn()?;
    assert!(event.wait(Some(TIMEOUT))?);
    assert!(child.wait()?.success());
    event.clear()?;
    assert!(!event.is_set()?);
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_full_pipe_blocks_neither_set_nor_clear() -> Outcome {
    let _watchdog = Watchdog::new("a_full_pipe_blocks_neither_set_nor_clear");
    let event = Event::new()?;
    let pipe = event.signal().doorbell()?;
    let block = [0; 4096];
    while descriptor::write(pipe.writer_fileno(), &block).is_ok() {}
    while descriptor::write(pipe.writer_fileno(), b"x").is_ok() {}
    event.set()?;
    assert!(event.wait(Some(TIMEOUT))?);
    event.clear()?;
    assert!(!event.is_set()?);
    event.set()?;
    let mut buffer = [0; 2];
    assert_eq!(event.receive(&mut buffer)?, 1, "the doorbell is notified again");
    Ok(())
}

#[test]
fn receiving_the_last_byte_clears_and_receiving_less_does_not() -> Outcome {
    let event = Event::new()?;
    event.set()?;
    foreign_byte(&event)?;
    let mut buffer = [0; 1];
    assert_eq!(event.receive(&mut [])?, 0);
    assert!(event.is_set()?);
    assert_eq!(event.receive(&mut buffer)?, 1);
    assert!(event.is_set()?);
    assert_eq!(event.receive(&mut buffer)?, 1);
    assert!(!event.is_set()?);
    assert_eq!(event.receive(&mut buffer)?, 0);
    event.set()?;
    assert!(event.is_set()?, "the word was cleared along with the pipe");
    assert_eq!(event.receive(&mut buffer)?, 1);
    Ok(())
}

#[test]
fn a_closed_event_refuses_everything_but_close() -> Outcome {
    let event = Event::new()?;
    event.set()?;
    assert!(event.close());
    assert!(!event.close());
    assert!(event.is_closed());
    assert!(matches!(event.set(), Err(Error::Closed)));
    assert!(matches!(event.clear(), Err(Error::Closed)));
    assert!(matches!(event.is_set(), Err(Error::Closed)));
    assert!(matches!(event.wait(None), Err(Error::Closed)));
    assert!(matches!(event.wait(Some(Duration::ZERO)), Err(Error::Closed)));
    assert!(matches!(event.receive(&mut [0]), Err(Error::Closed)));
    Ok(())
}

#[test]
fn a_second_close_does_not_touch_a_word_that_was_lent() -> Outcome {
    let word = AtomicU32::new(0);
    // SAFETY: the word outlives the event, and is accessed by atomic operations alone.
    let event = Event::with_state(unsafe { State::lent(NonNull::from(&word)) })?;
    assert!(event.close());
    // The word belongs to another event from here on.
    word.store(0, Ordering::SeqCst);
    assert!(!event.close());
    drop(event);
    assert_eq!(word.load(Ordering::SeqCst), 0);
    Ok(())
}
