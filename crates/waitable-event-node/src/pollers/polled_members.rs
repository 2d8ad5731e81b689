//! Those members of a run loop whose readiness is gone once it was polled (`waitable_event::sys::descriptor` says
//! which).
//!
//! An epoll that sits in another one is polled once for that one, and again when it is read: the second poll finds
//! nothing. So these members are in no epoll. A loop that blocks its thread polls them itself, beside its epoll.

use std::cell::RefCell;

use waitable_event::sys::{Fileno, Member};
use waitable_event::{Interest, Readiness, Ready};

/// The members of one poller.
#[derive(Default)]
pub struct PolledMembers(RefCell<Vec<(u32, Member)>>);

impl PolledMembers {
    /// Adds a descriptor.
    pub fn add(&self, token: u32, fd: Fileno, interest: Interest) {
        self.0.borrow_mut().push((token, Member { fd, interest, readiness: Readiness::default() }));
    }

    /// Changes the interest in a descriptor. Returns whether it is one of these.
    pub fn modify(&self, token: u32, interest: Interest) -> bool {
        let mut members = self.0.borrow_mut();
        let found = members.iter_mut().find(|(other, _)| *other == token);
        found.map(|(_, member)| member.interest = interest).is_some()
    }

    /// Removes a descriptor. Returns whether it was one of these.
    pub fn remove(&self, token: u32) -> bool {
        let mut members = self.0.borrow_mut();
        let before = members.len();
        members.retain(|(other, _)| *other != token);
        members.len() < before
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Appends the descriptors to `members`, to be polled.
    pub fn append_to(&self, members: &mut Vec<Member>) {
        members.extend(self.0.borrow().iter().map(|(_, member)| *member));
    }

    /// Returns the reports on the descriptors that [`PolledMembers::append_to`] has appended, which have been polled.
    pub fn reports(&self, polled: &[Member]) -> Vec<Ready> {
        let members = self.0.borrow();
        let pairs = members.iter().zip(polled).filter(|(_, member)| member.readiness != Readiness::default());
        pairs.map(|((token, _), member)| Ready { token: u64::from(*token), readiness: member.readiness }).collect()
    }
}
