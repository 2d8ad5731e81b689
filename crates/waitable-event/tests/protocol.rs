//! The signal over a scripted doorbell and a scripted sleep: what happens in the middle of a wait happens exactly
//! there.
#![cfg(not(loom))]

mod common;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::Outcome;
use waitable_event::{Deadline, Doorbell, Error, Park, Parked, Signal, State, Wake};

#[derive(Default)]
struct ScriptedDoorbell {
    bytes: AtomicUsize,
    broken: AtomicBool,
}

impl Doorbell for ScriptedDoorbell {
    fn notify(&self) -> io::Result<()> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.bytes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn drain(&self) -> io::Result<bool> {
        Ok(self.bytes.swap(0, Ordering::Relaxed) > 0)
    }

    fn is_notified(&self) -> io::Result<bool> {
        Ok(self.bytes.load(Ordering::Relaxed) > 0)
    }
}

#[derive(Default)]
struct CountingWaker(AtomicUsize);

impl Wake for CountingWaker {
    fn wake(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Sleep<'a> = Box<dyn FnOnce() -> io::Result<Parked> + 'a>;

/// Each sleep of a wait is the next one of the script.
struct Script<'a> {
    waker: Arc<CountingWaker>,
    sleeps: RefCell<VecDeque<Sleep<'a>>>,
}

impl<'a> Script<'a> {
    fn new(sleeps: impl IntoIterator<Item = Sleep<'a>>) -> Script<'a> {
        Script { waker: Arc::default(), sleeps: RefCell::new(sleeps.into_iter().collect()) }
    }

    fn calls(&self) -> usize {
        self.waker.0.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.sleeps.borrow().is_empty()
    }
}

impl Park<ScriptedDoorbell> for Script<'_> {
    fn waker(&self) -> Arc<dyn Wake> {
        self.waker.clone()
    }

    fn park(&self, _: &ScriptedDoorbell, _: Deadline) -> io::Result<Parked> {
        let sleep = self.sleeps.borrow_mut().pop_front().ok_or("one sleep too many").map_err(io::Error::other)?;
        sleep()
    }
}

fn signal() -> Signal<ScriptedDoorbell> {
    Signal::new(State::new(), ScriptedDoorbell::default())
}

fn set_and_clear(signal: &Signal<ScriptedDoorbell>) -> io::Result<()> {
    signal.set().and_then(|()| signal.clear()).map_err(io::Error::other)
}

#[test]
fn a_wait_that_times_out_just_after_set_and_clear_was_in_time() -> Outcome {
    let signal = signal();
    let script = Script::new([Box::new(|| set_and_clear(&signal).map(|()| Parked::TimedOut)) as Sleep]);
    assert!(signal.wait(&script, Deadline::NEVER)?);
    assert_eq!(script.calls(), 1);
    Ok(())
}

#[test]
fn a_wait_that_times_out_unset_is_false_and_leaves() -> Outcome {
    let signal = signal();
    let script = Script::new([Box::new(|| Ok(Parked::TimedOut)) as Sleep]);
    assert!(!signal.wait(&script, Deadline::NEVER)?);
    set_and_clear(&signal)?;
    assert_eq!(script.calls(), 0, "called after it had left");
    Ok(())
}

#[test]
fn a_call_without_a_reason_puts_the_waiter_back_to_sleep() -> Outcome {
    let signal = signal();
    let script = Script::new([
        Box::new(|| Ok(Parked::Woken)) as Sleep,
        Box::new(|| Ok(Parked::Woken)),
        Box::new(|| set_and_clear(&signal).map(|()| Parked::Woken)),
    ]);
    assert!(signal.wait(&script, Deadline::NEVER)?);
    assert!(script.is_over());
    Ok(())
}

#[test]
fn a_clear_of_a_clear_event_wakes_no_waiter() -> Outcome {
    let signal = signal();
    let script = Script::new([Box::new(|| {
        signal.clear().map_err(io::Error::other)?;
        Ok(Parked::TimedOut)
    }) as Sleep]);
    assert!(!signal.wait(&script, Deadline::NEVER)?);
    assert_eq!(script.calls(), 0);
    Ok(())
}

#[test]
fn the_end_of_the_thread_and_an_error_end_the_wait_and_leave() -> Outcome {
    let signal = signal();
    let script = Script::new([
        Box::new(|| Ok(Parked::Interrupted)) as Sleep,
        Box::new(|| Err(io::ErrorKind::OutOfMemory.into())),
    ]);
    let outcome = signal.wait(&script, Deadline::NEVER);
    assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
    let outcome = signal.wait(&script, Deadline::NEVER);
    assert!(matches!(&outcome, Err(Error::Io(error)) if error.kind() == io::ErrorKind::OutOfMemory), "{outcome:?}");
    set_and_clear(&signal)?;
    assert_eq!(script.calls(), 0, "called after it had left");
    Ok(())
}

#[test]
fn a_close_during_the_sleep_outweighs_whatever_ended_the_sleep() {
    for end in [Parked::Notified, Parked::Woken, Parked::TimedOut] {
        let signal = signal();
        let script = Script::new([Box::new(|| {
            signal.set().map_err(io::Error::other)?;
            signal.close();
            Ok(end)
        }) as Sleep]);
        let outcome = signal.wait(&script, Deadline::NEVER);
        assert!(matches!(outcome, Err(Error::Closed)), "{end:?}: {outcome:?}");
        assert_eq!(script.calls(), 1);
    }
}

#[test]
fn a_set_whose_doorbell_fails_is_an_error_and_the_next_one_notifies() -> Outcome {
    let signal = signal();
    let doorbell = signal.doorbell()?;
    doorbell.broken.store(true, Ordering::Relaxed);
    assert!(matches!(signal.set(), Err(Error::Io(_))));
    assert!(!signal.is_set()?, "a failed set() leaves the event clear");
    doorbell.broken.store(false, Ordering::Relaxed);
    signal.set()?;
    assert!(doorbell.is_notified()?);
    Ok(())
}

#[test]
fn only_the_set_that_changes_something_notifies() -> Outcome {
    let signal = signal();
    for _ in 0..3 {
        signal.set()?;
    }
    assert_eq!(signal.doorbell()?.bytes.load(Ordering::Relaxed), 1);
    Ok(())
}
