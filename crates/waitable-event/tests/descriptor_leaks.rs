//! Every descriptor that was opened is closed. In a process of its own, because it counts them.
#![cfg(all(unix, not(loom)))]

mod common;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{Announcing, Outcome, TIMEOUT, Watchdog, join, open_descriptors};
use waitable_event::{Error, Event};

#[test]
fn descriptors_close_with_the_last_clone_with_close_and_with_the_thread() -> Outcome {
    let _watchdog = Watchdog::new("descriptors_close_with_the_last_clone_with_close_and_with_the_thread");
    let before = open_descriptors()?;

    let event = Event::new()?;
    let clones = vec![event.clone(); 10];
    let key = event.key();
    assert_eq!(open_descriptors()?, before + 2);
    drop(event);
    assert_eq!(open_descriptors()?, before + 2, "the clones hold it");
    assert_eq!(Event::find(key)?.key(), key);
    drop(clones);
    assert_eq!(open_descriptors()?, before, "the last clone closes it; a key does not hold it");

    let event = Event::new()?;
    let clone = event.clone();
    assert!(event.close());
    assert_eq!(open_descriptors()?, before, "close() does not wait for the clones");
    drop((event, clone));

    let event = Event::new()?;
    let held = event.signal().doorbell()?;
    assert!(event.close());
    assert_eq!(open_descriptors()?, before + 2, "a call that is under way holds them");
    drop(held);
    assert_eq!(open_descriptors()?, before);

    let event = Event::new()?;
    let (begun, waits) = mpsc::channel();
    let waiter = thread::spawn({
        let event = event.clone();
        move || Announcing::new(begun)?.wait(&event)
    });
    waits.recv_timeout(TIMEOUT)?;
    assert!(event.close());
    let outcome = join(waiter);
    assert!(matches!(outcome, Err(Error::Closed)), "{outcome:?}");
    assert_eq!(open_descriptors()?, before);

    let event = Event::new()?;
    for _ in 0..50 {
        let event = event.clone();
        assert!(!join(thread::spawn(move || event.wait(Some(Duration::from_micros(10)))))?);
    }
    drop(event);
    assert_eq!(open_descriptors()?, before, "a thread closes what it slept with");

    for _ in 0..10_000 {
        let event = Event::new()?;
        event.set()?;
        event.clear()?;
    }
    assert_eq!(open_descriptors()?, before);
    Ok(())
}
