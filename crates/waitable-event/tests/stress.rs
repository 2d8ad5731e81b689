//! Many threads on one event, in many rounds. No thread here sleeps to let another one come first.
#![cfg(not(loom))]

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;

use common::{Announcing, Outcome, TIMEOUT, Watchdog, foreign_byte, join};
use waitable_event::{Error, Event};

#[test]
fn a_set_that_is_cleared_immediately_releases_every_blocked_thread() -> Outcome {
    const THREADS: usize = 5;
    const ROUNDS: usize = 300;
    let _watchdog = Watchdog::new("a_set_that_is_cleared_immediately_releases_every_blocked_thread");
    let event = Event::new()?;
    let round_over = Barrier::new(THREADS + 1);
    let released = AtomicUsize::new(0);
    let (begun, waits) = mpsc::channel();
    let parkers = (0..THREADS).map(|_| Announcing::new(begun.clone())).collect::<Result<Vec<_>, _>>()?;
    thread::scope(|scope| {
        for parker in &parkers {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    if matches!(parker.wait(&event), Ok(true)) {
                        released.fetch_add(1, Ordering::Relaxed);
                    }
                    round_over.wait();
                }
            });
        }
        for round in 0..ROUNDS {
            for _ in 0..THREADS {
                waits.recv_timeout(TIMEOUT)?;
            }
            if round % 3 == 2 {
                foreign_byte(&event)?
            } else {
                event.set()?
            }
            event.clear()?;
            round_over.wait();
        }
        Outcome::Ok(())
    })?;
    assert_eq!(released.into_inner(), THREADS * ROUNDS);
    assert!(!event.is_set()?);
    Ok(())
}

#[test]
fn one_clear_is_enough_for_eight_concurrent_sets() -> Outcome {
    const THREADS: usize = 8;
    const ROUNDS: usize = 2000;
    let _watchdog = Watchdog::new("one_clear_is_enough_for_eight_concurrent_sets");
    let event = Event::new()?;
    let step = Barrier::new(THREADS + 1);
    let failures = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    step.wait();
                    failures.fetch_add(usize::from(event.set().is_err()), Ordering::Relaxed);
                    step.wait();
                }
            });
        }
        for _ in 0..ROUNDS {
            step.wait();
            step.wait();
            let sound = || Ok::<_, Error>(event.is_set()? && event.clear().is_ok() && !event.is_set()?);
            failures.fetch_add(usize::from(!sound().unwrap_or(false)), Ordering::Relaxed);
        }
    });
    assert_eq!(failures.into_inner(), 0);
    Ok(())
}

#[test]
fn eight_concurrent_clears_never_fail_and_lose_no_later_set() -> Outcome {
    const THREADS: usize = 8;
    let _watchdog = Watchdog::new("eight_concurrent_clears_never_fail_and_lose_no_later_set");
    let event = Event::new()?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let clearing: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        event.clear()?;
                        thread::yield_now();
                    }
                    Ok::<(), Error>(())
                })
            })
            .collect();
        let set = (0..20_000).try_for_each(|_| event.set());
        over.store(true, Ordering::Relaxed);
        for thread in clearing {
            thread.join().map_err(|_| "a clearing thread panicked")??;
        }
        Outcome::Ok(set?)
    })?;
    event.clear()?;
    assert!(!event.is_set()?);
    event.set()?;
    assert!(event.signal().doorbell().is_ok_and(|pipe| waitable_event::Doorbell::is_notified(&*pipe).unwrap_or(false)));
    Ok(())
}

#[test]
fn two_threads_hand_over_ten_thousand_times() -> Outcome {
    const ROUNDS: usize = 10_000;
    let _watchdog = Watchdog::new("two_threads_hand_over_ten_thousand_times");
    let [ping, pong] = [Event::new()?, Event::new()?];
    let play = |mine: Event, theirs: Event| -> Result<usize, Error> {
        for round in 0..ROUNDS {
            if !mine.wait(Some(TIMEOUT))? {
                return Ok(round);
            }
            mine.clear()?;
            theirs.set()?;
        }
        Ok(ROUNDS)
    };
    let partner = thread::spawn({
        let (ping, pong) = (ping.clone(), pong.clone());
        move || play(pong, ping)
    });
    ping.set()?;
    assert_eq!(play(ping, pong)?, ROUNDS);
    assert_eq!(join(partner)?, ROUNDS);
    Ok(())
}

#[test]
fn close_ends_every_wait_and_every_set_with_closed() -> Outcome {
    const WAITERS: usize = 4;
    const SETTERS: usize = 4;
    let _watchdog = Watchdog::new("close_ends_every_wait_and_every_set_with_closed");
    for round in 0..100 {
        let event = Event::new()?;
        let (begun, waits) = mpsc::channel();
        let mut threads = Vec::new();
        for _ in 0..WAITERS {
            let (event, parker) = (event.clone(), Announcing::new(begun.clone())?);
            threads.push(thread::spawn(move || -> Result<(), Error> {
                // A waiter that is not woken returns Ok, and fails the test below.
                while parker.wait(&event)? {
                    event.clear()?;
                }
                Ok(())
            }));
        }
        // In every other round no thread sets, so that all waiters are blocked when the event closes.
        for _ in 0..SETTERS * (round % 2) {
            let event = event.clone();
            threads.push(thread::spawn(move || -> Result<(), Error> {
                loop {
                    event.set()?;
                }
            }));
        }
        for _ in 0..WAITERS {
            if round % 2 == 0 {
                waits.recv_timeout(TIMEOUT)?;
            }
        }
        assert!(event.close());
        for thread in threads {
            let outcome = join(thread);
            assert!(matches!(outcome, Err(Error::Closed)), "{outcome:?}");
        }
    }
    Ok(())
}
