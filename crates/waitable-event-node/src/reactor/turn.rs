//! Lingering in Node's event loop (`waitable_event::AdaptiveSpin` says why).
//!
//! An event that is awaited while its reactor calls JavaScript is not armed in the kernel at once. When JavaScript returns,
//! the thread lingers: it looks at the words of these events. What was set by then is reported in the same turn of libuv's loop, without
//! the way through the kernel's lists and libuv (Node has it ask epoll twice a turn). What was not is armed then, and nothing is lost: arming
//! looks at the word once more (`watch.rs`).
//!
//! Run loops, whose members may be ready again, or still, are looked at in the same turn too (`loops.rs`), and ever more rarely where
//! that is in vain.
//!
//! It does not keep libuv from anything else for longer than [`TURN`].

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use waitable_event::{AdaptiveSpin, sys};

use crate::environment::Environment;
use crate::events::watch::{self, Look};
use crate::pollers::batch_poller::PollerEntry;
use crate::reactor::ready_loops::Asks;

/// How long libuv waits for its turn.
const TURN: Duration = Duration::from_micros(200);

/// Its end is looked for every so many rounds.
const ROUNDS: u32 = 4;

/// In one of so many rounds the whole reactor is looked at, and not the run loops alone.
const ROUNDS_OF_LOOPS: u32 = 32;

/// So many events are looked at; more are armed at once.
const EVENTS: usize = 8;

/// The events of one reactor whose arming waits.
pub struct Unarmed {
    linger: AdaptiveSpin,
    /// Whether it is worth while to ask the kernel again.
    again: AdaptiveSpin,
    /// Whether the reactor calls JavaScript, and will look.
    is_open: Cell<bool>,
    /// The events, by their slots.
    slots: RefCell<Vec<u32>>,
}

/// One turn of a reactor: from libuv's call to the return to it.
pub struct Turn<'a> {
    reactor: &'a PollerEntry,
    unarmed: &'a Unarmed,
    /// How often a loop was found ready again.
    found: Cell<u32>,
    /// How often JavaScript was called.
    round: Cell<u32>,
    /// Since when libuv waits, by two clocks.
    began: Instant,
    began_coarsely: Duration,
    is_over: Cell<bool>,
}

impl Unarmed {
    pub fn new() -> Unarmed {
        Unarmed {
            linger: AdaptiveSpin::new(),
            again: AdaptiveSpin::new(),
            is_open: Cell::new(false),
            slots: RefCell::default(),
        }
    }

    /// Takes an event; false when it has to be armed.
    pub fn take(&self, slot: u32) -> bool {
        let mut slots = self.slots.borrow_mut();
        if !self.is_open.get() || slots.len() >= EVENTS || (slots.is_empty() && !self.linger.should_spin()) {
            return false;
        }
        if !slots.contains(&slot) {
            slots.push(slot);
        }
        true
    }
}

impl Turn<'_> {
    /// Begins a turn.
    pub fn begin(reactor: &PollerEntry) -> Turn<'_> {
        let unarmed = &reactor.unarmed;
        unarmed.is_open.set(true);
        Turn {
            reactor,
            unarmed,
            found: Cell::new(0),
            round: Cell::new(0),
            began: Instant::now(),
            began_coarsely: sys::coarse_now(),
            is_over: Cell::new(false),
        }
    }

    /// What there is to report in the same turn: how many entries are in the batch of `reactor`.
    pub fn next(&self, environment: &Environment) -> i32 {
        let may_go_on = self.may_go_on();
        match self.look(environment, may_go_on) {
            0 if may_go_on && self.unarmed.again.should_spin() => self.look_again(environment),
            filled => filled,
        }
    }

    /// Reports what is ready by now besides.
    fn look_again(&self, environment: &Environment) -> i32 {
        let reactor = self.reactor;
        let loops = &reactor.loops;
        let fill = || Some(reactor.fill(environment)).filter(|filled| *filled != 0);
        if loops.is_empty() {
            return self.unarmed.again.spin(fill).unwrap_or(0);
        }
        let mut asks = Asks::KernelOfOthers;
        if self.round.get().is_multiple_of(ROUNDS_OF_LOOPS) {
            if let Some(filled) = fill() {
                return filled;
            }
            asks = Asks::Kernel;
        }
        let look = || loops.look(environment, reactor, std::mem::replace(&mut asks, Asks::Words));
        let found = self.unarmed.again.spin(look);
        if found.is_some() {
            self.found.set(self.found.get() + 1);
            // Twice is a habit. The two system calls are made once in a turn.
            if self.found.get() == 2 {
                loops.silence(reactor);
            }
        }
        found.unwrap_or(0)
    }

    /// Whether libuv can wait a little longer.
    fn may_go_on(&self) -> bool {
        let round = self.round.replace(self.round.get() + 1);
        // Not at every round: the clock costs a hundredth of one. A handler that takes its time in between is seen by the clock
        // that moves every few milliseconds, and costs a fifth.
        if round.is_multiple_of(ROUNDS) && self.began.elapsed() > TURN || sys::coarse_now() != self.began_coarsely {
            self.is_over.set(true);
        }
        !self.is_over.get()
    }

    /// Reports those of the events that were set meanwhile, or arms them all.
    fn look(&self, environment: &Environment, may_linger: bool) -> i32 {
        let mut slots = self.unarmed.slots.borrow_mut();
        if slots.is_empty() {
            return 0;
        }
        if may_linger {
            let found = self.unarmed.linger.spin(|| match report(environment, self.reactor, &mut slots, false) {
                0 if slots.is_empty() => Some(0),
                0 => None,
                count => Some(count),
            });
            if let Some(count) = found {
                return count;
            }
        }
        self.unarmed.is_open.set(false);
        let count = report(environment, self.reactor, &mut slots, true);
        slots.clear();
        count
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.unarmed.is_open.set(false);
        self.unarmed.slots.borrow_mut().clear();
        self.reactor.loops.listen(self.reactor);
    }
}

/// Puts the outcomes that there are into the batch, and takes their events out of `slots`; the others are armed if it `settles`.
fn report(environment: &Environment, reactor: &PollerEntry, slots: &mut Vec<u32>, settles: bool) -> i32 {
    let mut count = 0;
    slots.retain(|&slot| match watch::look(environment, slot, settles) {
        Look::Outcome(outcome) => {
            reactor.report(count, slot, outcome);
            count += 1;
            false
        }
        Look::Nothing => true,
        Look::Gone => false,
    });
    i32::try_from(count).unwrap_or(0)
}
