//! Two threads that park and unpark each other: a futex for each, and nothing else.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_utils::sync::Parker;

/// The number of the round trip that each thread has reached.
#[derive(Default)]
struct Turns {
    there: AtomicU64,
    back: AtomicU64,
}

/// A thread that answers each notification with one of its own. It ends with the process.
pub struct Partner {
    turns: Arc<Turns>,
    turn: Cell<u64>,
    notify: Box<dyn Fn()>,
    park: Box<dyn Fn()>,
}

impl Partner {
    /// Starts a thread that the standard library's `park()` and `unpark()` wake.
    pub fn with_threads() -> io::Result<Partner> {
        let turns = Arc::new(Turns::default());
        let main = thread::current();
        let partner = thread::Builder::new().spawn({
            let turns = Arc::clone(&turns);
            move || answer(&turns, &thread::park, &|| main.unpark())
        })?;
        let partner = partner.thread().clone();
        Ok(Partner {
            turns,
            turn: Cell::new(0),
            notify: Box::new(move || partner.unpark()),
            park: Box::new(thread::park),
        })
    }

    /// Starts a thread that crossbeam's `Parker` wakes.
    pub fn with_crossbeam() -> io::Result<Partner> {
        let turns = Arc::new(Turns::default());
        let (there, back) = (Parker::new(), Parker::new());
        let (notify, answered) = (there.unparker().clone(), back.unparker().clone());
        thread::Builder::new().spawn({
            let turns = Arc::clone(&turns);
            move || answer(&turns, &|| there.park(), &|| answered.unpark())
        })?;
        Ok(Partner {
            turns,
            turn: Cell::new(0),
            notify: Box::new(move || notify.unpark()),
            park: Box::new(move || back.park()),
        })
    }

    /// Returns the nanoseconds of each round trip.
    pub fn round_trips(&self, count: usize) -> Vec<f64> {
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            let before = Instant::now();
            let turn = self.turn.get() + 1;
            self.turn.set(turn);
            self.turns.there.store(turn, Ordering::Release);
            (self.notify)();
            while self.turns.back.load(Ordering::Acquire) != turn {
                (self.park)();
            }
            samples.push(before.elapsed().as_nanos() as f64);
        }
        samples
    }
}

/// Runs the partner's thread.
fn answer(turns: &Turns, park: &dyn Fn(), notify: &dyn Fn()) {
    for turn in 1.. {
        while turns.there.load(Ordering::Acquire) != turn {
            park();
        }
        turns.back.store(turn, Ordering::Release);
        notify();
    }
}
