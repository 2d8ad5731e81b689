//! Those members of a poller that are events: their words tell without the kernel whether they are ready.

use std::cell::{Cell, RefCell};

use waitable_event::{Readiness, Ready};

use crate::environment::Environment;
use crate::pollers::batch_poller::READABLE;

/// The words of so many are looked at; of others, the kernel is asked.
const EVENTS: usize = 8;

/// What a poller knows of its members.
#[derive(Default)]
pub struct Members {
    /// How many descriptors there are.
    count: Cell<usize>,
    events: RefCell<Vec<Event>>,
}

struct Event {
    token: u32,
    slot: u32,
    /// Whether somebody wants to read it.
    is_wanted: bool,
}

impl Members {
    /// A descriptor has been added.
    pub fn added(&self, token: u32, wanted: i32) {
        self.count.update(|count| count + 1);
        self.modified(token, wanted);
    }

    /// Something else is wanted of a member now.
    pub fn modified(&self, token: u32, wanted: i32) {
        if let Some(event) = self.events.borrow_mut().iter_mut().find(|event| event.token == token) {
            event.is_wanted = wanted & READABLE != 0;
        }
    }

    /// A descriptor has been taken out.
    pub fn removed(&self, token: u32) {
        self.count.update(|count| count.saturating_sub(1));
        self.modified(token, 0);
    }

    /// A member is the event in `slot`.
    pub fn is_event(&self, token: u32, slot: u32, wanted: i32) {
        let mut events = self.events.borrow_mut();
        if events.len() < EVENTS {
            events.push(Event { token, slot, is_wanted: wanted & READABLE != 0 });
        }
    }

    /// A member is no event any more.
    pub fn forget_event(&self, token: u32) {
        self.events.borrow_mut().retain(|event| event.token != token);
    }

    /// Whether there are no others than events whose words are looked at.
    pub fn are_events(&self) -> bool {
        self.count.get() <= self.events.borrow().iter().filter(|event| event.is_wanted).count()
    }

    /// Puts those into `ready` whose words say that they are set, so that their pipes are readable. (Of a byte that somebody else
    /// wrote, the word does not tell.)
    pub fn take_set(&self, environment: &Environment, ready: &mut Vec<Ready>) {
        let open = environment.events.borrow();
        for event in self.events.borrow().iter().filter(|event| event.is_wanted) {
            let word = open.get(event.slot as usize).map(|entry| entry.event.signal().state().observe());
            if word.is_some_and(|word| word.is_set() && !word.is_closed()) {
                let readiness = Readiness { readable: true, ..Readiness::default() };
                ready.push(Ready { token: u64::from(event.token), readiness });
            }
        }
    }
}
