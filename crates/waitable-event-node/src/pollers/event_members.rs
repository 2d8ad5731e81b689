//! Those members of a poller that are events: their state words say without the kernel whether they are ready.

use std::cell::{Cell, RefCell};

use waitable_event::{Readiness, Ready};

use crate::ffi::readiness_flags::READABLE;

/// The number of events whose words are read. For further ones the kernel is called.
const MAX_EVENTS: usize = 8;

/// What a poller knows of its members.
#[derive(Default)]
pub struct EventMembers {
    /// The number of all members.
    count: Cell<usize>,
    events: RefCell<Vec<EventMember>>,
}

struct EventMember {
    token: u32,
    slot: u32,
    /// Whether the run loop wants to read it.
    is_wanted: bool,
}

impl EventMembers {
    /// Counts a member that was added.
    pub fn add(&self, token: u32, interest: i32) {
        self.count.update(|count| count + 1);
        self.modify(token, interest);
    }

    /// Changes the interest in a member.
    pub fn modify(&self, token: u32, interest: i32) {
        if let Some(event) = self.events.borrow_mut().iter_mut().find(|event| event.token == token) {
            event.is_wanted = interest & READABLE != 0;
        }
    }

    /// Counts a member that was removed.
    pub fn remove(&self, token: u32) {
        self.count.update(|count| count.saturating_sub(1));
        self.modify(token, 0);
    }

    /// Records that a member is the event in `slot`.
    pub fn add_event(&self, token: u32, slot: u32, interest: i32) {
        let mut events = self.events.borrow_mut();
        if events.len() < MAX_EVENTS {
            events.push(EventMember { token, slot, is_wanted: interest & READABLE != 0 });
        }
    }

    /// Records that a member is no event any more.
    pub fn remove_event(&self, token: u32) {
        self.events.borrow_mut().retain(|event| event.token != token);
    }

    /// Returns whether all members are events whose words are read.
    pub fn are_all_events(&self) -> bool {
        self.count.get() <= self.events.borrow().iter().filter(|event| event.is_wanted).count()
    }

    /// Appends the events to `ready` that are set by `is_set`, so that their pipes are readable. (The word does not
    /// tell of a byte from a foreign writer.)
    pub fn collect_set(&self, is_set: impl Fn(u32) -> bool, ready: &mut Vec<Ready>) {
        for event in self.events.borrow().iter().filter(|event| event.is_wanted && is_set(event.slot)) {
            let readiness = Readiness { readable: true, ..Readiness::default() };
            ready.push(Ready { token: u64::from(event.token), readiness });
        }
    }
}
