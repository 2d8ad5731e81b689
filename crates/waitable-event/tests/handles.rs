//! Finding an event by its key.
#![cfg(not(loom))]

mod common;

use std::collections::HashSet;
use std::thread;

use common::Outcome;
use waitable_event::{Error, Event};

fn is_invalid(key: u64) -> bool {
    matches!(Event::find(key), Err(Error::InvalidHandle))
}

#[test]
fn another_thread_finds_the_same_event() -> Outcome {
    let event = Event::new()?;
    let key = event.key();
    assert_eq!(event.clone().key(), key);
    thread::scope(|scope| scope.spawn(|| Event::find(key)?.set()).join()).map_err(|_| "the setter panicked")??;
    assert!(event.is_set()?);
    Ok(())
}

#[test]
fn the_keys_of_a_thousand_events_differ_and_fit_a_javascript_number() -> Outcome {
    let events = (0..1000).map(|_| Event::new()).collect::<Result<Vec<_>, _>>()?;
    let keys: HashSet<u64> = events.iter().map(Event::key).collect();
    assert_eq!(keys.len(), events.len());
    assert!(keys.iter().all(|&key| key != 0 && key < 1 << 53));
    Ok(())
}

#[test]
fn threads_that_ask_together_get_one_key() -> Outcome {
    let event = Event::new()?;
    let keys = thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| event.key())).collect();
        asking.into_iter().map(|thread| thread.join()).collect::<Result<HashSet<_>, _>>()
    });
    assert_eq!(keys.map_err(|_| "an asking thread panicked")?, HashSet::from([event.key()]));
    Ok(())
}

#[test]
fn stale_and_invented_keys_are_invalid() -> Outcome {
    let live = Event::new()?;
    let dropped = Event::new()?.key();
    assert!(is_invalid(dropped), "the event is gone");
    let closed = Event::new()?;
    let key = closed.key();
    assert!(closed.close());
    assert!(is_invalid(key), "the event is closed");
    let late = Event::new()?;
    assert!(late.close());
    assert!(Event::find(late.key()).map_or(true, |event| event.is_closed()), "a key does not reopen the event");
    for invented in [0, 1, 2, u64::MAX, 1 << 53, live.key() ^ 1, live.key().wrapping_add(1), live.key() | 1 << 63] {
        assert!(invented == live.key() || is_invalid(invented), "{invented}");
    }
    assert!(Event::find(live.key()).is_ok());
    Ok(())
}
