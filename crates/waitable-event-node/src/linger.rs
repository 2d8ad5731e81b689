//! Lingering in Node's event loop (`waitable_event::Linger` says why).
//!
//! An event that is awaited while its reactor calls JavaScript is not armed in the kernel at once. When JavaScript returns,
//! the thread lingers: it looks at the words of these events. What was set by then is reported in the same turn of libuv's loop, without
//! the way through the kernel's lists and libuv (Node has it ask epoll twice a turn). What was not is armed then, and nothing is lost: arming
//! looks at the word once more (`watch.rs`).
//!
//! Descriptors that are ready again, or still, as those of a run loop in a flood are, are asked for again in the same turn too: by one
//! `epoll_wait()`, and ever more rarely where it finds none.
//!
//! It does not keep libuv from anything else for longer than [`TURN`].

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use waitable_event::Linger;

use crate::environment::Environment;
use crate::poller::PollerEntry;
use crate::watch::{self, Look};

/// How long libuv waits for its turn.
const TURN: Duration = Duration::from_micros(200);

/// Its end is looked for every so many rounds.
const ROUNDS: u32 = 4;

/// So many events are looked at; more are armed at once.
const EVENTS: usize = 8;

/// The events of one reactor whose arming waits.
pub struct Unarmed {
    linger: Linger,
    /// Whether it is worth while to ask the kernel again.
    again: Linger,
    /// Whether the reactor calls JavaScript, and will look.
    is_open: Cell<bool>,
    /// The events, by their slots.
    slots: RefCell<Vec<u32>>,
}

/// One turn of a reactor: from libuv's call to the return to it.
pub struct Turn<'a> {
    unarmed: &'a Unarmed,
    /// How often JavaScript was called.
    round: Cell<u32>,
    /// Since when libuv waits.
    began: Cell<Option<Instant>>,
    is_over: Cell<bool>,
}

impl Unarmed {
    pub fn new() -> Unarmed {
        Unarmed { linger: Linger::new(), again: Linger::new(), is_open: Cell::new(false), slots: RefCell::default() }
    }

    /// Begins a turn.
    pub fn begin(&self) -> Turn<'_> {
        self.is_open.set(true);
        Turn { unarmed: self, round: Cell::new(0), began: Cell::new(None), is_over: Cell::new(false) }
    }

    /// Takes an event; false when it has to be armed.
    pub fn take(&self, slot: u32) -> bool {
        let mut slots = self.slots.borrow_mut();
        if !self.is_open.get() || slots.len() >= EVENTS || (slots.is_empty() && !self.linger.is_worth_while()) {
            return false;
        }
        if !slots.contains(&slot) {
            slots.push(slot);
        }
        true
    }
}

impl Turn<'_> {
    /// What there is to report in the same turn: how many entries are in the batch of `reactor`.
    pub fn next(&self, environment: &Environment, reactor: &PollerEntry) -> i32 {
        let may_go_on = self.may_go_on();
        match self.look(environment, reactor, may_go_on) {
            0 if may_go_on && self.unarmed.again.is_worth_while() => {
                let fill = || Some(reactor.fill(environment)).filter(|filled| *filled != 0);
                self.unarmed.again.look(fill).unwrap_or(0)
            }
            filled => filled,
        }
    }

    /// Whether libuv can wait a little longer.
    fn may_go_on(&self) -> bool {
        let round = self.round.replace(self.round.get() + 1);
        // Not at every round: the clock costs a hundredth of one.
        if round.is_multiple_of(ROUNDS) {
            let now = Instant::now();
            let began = self.began.get().unwrap_or(now);
            self.began.set(Some(began));
            self.is_over.set(now - began > TURN);
        }
        !self.is_over.get()
    }

    /// Reports those of the events that were set meanwhile, or arms them all.
    fn look(&self, environment: &Environment, reactor: &PollerEntry, may_linger: bool) -> i32 {
        let mut slots = self.unarmed.slots.borrow_mut();
        if slots.is_empty() {
            return 0;
        }
        if may_linger {
            let found = self.unarmed.linger.look(|| match report(environment, reactor, &mut slots, false) {
                0 if slots.is_empty() => Some(0),
                0 => None,
                count => Some(count),
            });
            if let Some(count) = found {
                return count;
            }
        }
        self.unarmed.is_open.set(false);
        let count = report(environment, reactor, &mut slots, true);
        slots.clear();
        count
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.unarmed.is_open.set(false);
        self.unarmed.slots.borrow_mut().clear();
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
