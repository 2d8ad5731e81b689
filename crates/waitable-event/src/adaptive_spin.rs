//! Lingering: a thread that is about to sleep looks a moment longer for what it waits for.
//!
//! Two threads that hand something to each other and back wait for one another at each step, and the sleep between the steps
//! is what costs. So before it sleeps, a thread yields its core to others, whoever it waits for among them, and looks again.
//! Measured on one core: a round trip of two threads in a blocking wait takes 4.4 µs asleep and 3.5 µs lingering, in
//! Node's event loop 10 µs and 5 µs.
//!
//! **It costs next to nothing where it does not help.** A thread that lingered in vain goes to sleep at once for the next time, then
//! for the next three, seven, … 255 times. One that was in time, all of that is forgiven.
//!
//! It is late also when it found what it looked for, but somebody else had used the core in between: a sleeper
//! would have been called before him, one that yields has to wait for its turn.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use crate::sys;

/// How long a thread lingers: several times what one that is awake takes to answer, less than what the wake-up of an idle core of a
/// virtual machine takes.
const PATIENCE: Duration = Duration::from_micros(20);

/// After so many failures in a row, at the most, it is tried again.
const MOST_SKIPPED: u32 = 255;

/// What a thread has learnt of lingering.
#[derive(Debug, Default)]
pub struct Linger {
    /// How many times it is left out from now on.
    left_out: Cell<u32>,
    /// How many times it was left out after the last failure.
    penalty: Cell<u32>,
}

impl Linger {
    /// Nothing learnt yet.
    pub const fn new() -> Linger {
        Linger { left_out: Cell::new(0), penalty: Cell::new(0) }
    }

    /// Whether it is worth while this time. Asked once for each sleep.
    pub fn is_worth_while(&self) -> bool {
        let left_out = self.left_out.get();
        self.left_out.set(left_out.saturating_sub(1));
        left_out == 0
    }

    /// Looks, yielding the core in between, until there is something or it has taken too long.
    pub fn look<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        if let Some(found) = look() {
            return Some(found);
        }
        // By a clock that moves every few milliseconds, and costs a fifth of the exact one: if it has moved, somebody else has
        // most probably had a slice of the core.
        let before = sys::coarse_now();
        thread::yield_now();
        if let Some(found) = look() {
            self.judge(sys::coarse_now() == before);
            return Some(found);
        }
        let start = Instant::now();
        loop {
            thread::yield_now();
            let found = look();
            let is_late = start.elapsed() > PATIENCE;
            if found.is_some() || is_late {
                self.judge(!is_late);
                return found;
            }
        }
    }

    fn judge(&self, was_in_time: bool) {
        let penalty = if was_in_time { 0 } else { (self.penalty.get() * 2 + 1).min(MOST_SKIPPED) };
        self.penalty.set(penalty);
        self.left_out.set(penalty);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many times it is left out before it is worth while again.
    fn left_out(linger: &Linger) -> u32 {
        (0..).find(|_| linger.is_worth_while()).unwrap_or(u32::MAX)
    }

    fn in_vain(linger: &Linger) {
        assert_eq!(linger.look(|| None::<()>), None);
    }

    /// Finds it at the second look.
    fn at_once(linger: &Linger) {
        let mut looks = 0;
        let found = linger.look(|| {
            looks += 1;
            (looks == 2).then_some(())
        });
        assert_eq!(found, Some(()));
    }

    #[test]
    fn failures_make_it_rarer_and_a_success_forgives_them() {
        let linger = Linger::new();
        assert_eq!(left_out(&linger), 0);
        for expected in [1, 3, 7, 15, 31, 63, 127, 255, 255] {
            in_vain(&linger);
            assert_eq!(left_out(&linger), expected);
        }
        // In time, unless this thread loses its core just then.
        let is_forgiven = (0..10_000).any(|_| {
            at_once(&linger);
            left_out(&linger) == 0
        });
        assert!(is_forgiven);
        in_vain(&linger);
        assert_eq!(left_out(&linger), 1);
    }

    #[test]
    fn what_is_there_already_teaches_nothing() {
        let linger = Linger::new();
        in_vain(&linger);
        in_vain(&linger);
        assert_eq!(linger.look(|| Some(1)), Some(1));
        assert_eq!(left_out(&linger), 3);
    }

    #[test]
    fn it_gives_up_but_not_too_soon() {
        let start = Instant::now();
        in_vain(&Linger::new());
        assert!(start.elapsed() > PATIENCE);
    }

    #[test]
    fn what_comes_late_is_found_and_counts_as_a_failure() {
        let linger = Linger::new();
        let mut looks = 0;
        let found = linger.look(|| {
            looks += 1;
            thread::sleep(PATIENCE);
            (looks == 3).then_some(())
        });
        assert_eq!((found, left_out(&linger)), (Some(()), 1));
    }
}
