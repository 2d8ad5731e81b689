//! Which events of a kqueue stand for the interest in a descriptor. An epoll has one entry for it, a kqueue has one
//! event for each condition.
//!
//! **Exceptional conditions.** macOS has them for sockets, as EVFILT_EXCEPT with NOTE_OOB: out-of-band data. FreeBSD's
//! kqueue has none: a run loop never reports them there, while a blocking `select()`, which calls ppoll(), does.

use super::kqueue::{Event, event, system};
use crate::readiness::{Interest, Trigger};

/// A set of conditions, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filters(u8);

impl Filters {
    pub(super) const NONE: Filters = Filters(0);
    pub(super) const READ: Filters = Filters(1);
    pub(super) const WRITE: Filters = Filters(2);
    const EXCEPT: Filters = Filters(4);

    /// Returns the conditions that stand for `interest`.
    pub(super) fn of(interest: Interest, is_socket: bool) -> Filters {
        let has_except = is_socket && EXCEPT.is_some();
        let mut filters = Filters::NONE;
        for (filter, wanted) in [
            (Filters::READ, interest.readable),
            (Filters::WRITE, interest.writable),
            (Filters::EXCEPT, interest.priority && has_except),
        ] {
            if wanted {
                filters = filters.with(filter);
            }
        }
        filters
    }

    /// Returns the condition that an event reports.
    pub(super) fn of_event(event: &Event) -> Filters {
        match event.filter {
            system::EVFILT_READ => Filters::READ,
            system::EVFILT_WRITE => Filters::WRITE,
            _ => Filters::EXCEPT,
        }
    }

    pub(super) fn with(self, other: Filters) -> Filters {
        Filters(self.0 | other.0)
    }

    pub(super) fn without(self, other: Filters) -> Filters {
        Filters(self.0 & !other.0)
    }

    pub(super) fn contains(self, other: Filters) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn is_empty(self) -> bool {
        self == Filters::NONE
    }

    /// Returns whether there are two or more.
    pub(super) fn are_several(self) -> bool {
        self.0.count_ones() > 1
    }

    /// Returns each condition of the set by itself.
    pub(super) fn each(self) -> impl Iterator<Item = Filters> {
        let all = [Filters::READ, Filters::WRITE, Filters::EXCEPT];
        all.into_iter().filter(move |filter| self.contains(*filter))
    }

    /// Returns a change of the event that stands for this one condition of `fd`.
    pub(super) fn change(self, fd: i32, flags: u16) -> Event {
        let (filter, note) = match (self, EXCEPT) {
            (Filters::READ, _) => (system::EVFILT_READ, 0),
            (Filters::WRITE, _) | (_, None) => (system::EVFILT_WRITE, 0),
            (_, Some(except)) => except,
        };
        let mut change = event(fd as usize, filter, flags);
        change.fflags = note;
        change
    }
}

/// The filter of exceptional conditions, and the note that asks for out-of-band data.
#[cfg(any(target_vendor = "apple", waitable_kqueue_stand_in))]
const EXCEPT: Option<(i16, u32)> = Some((system::EVFILT_EXCEPT, system::NOTE_OOB));
#[cfg(not(any(target_vendor = "apple", waitable_kqueue_stand_in)))]
const EXCEPT: Option<(i16, u32)> = None;

/// What a selector knows of a descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) token: u64,
    pub(super) interest: Interest,
    pub(super) trigger: Trigger,
    pub(super) is_socket: bool,
    /// The events that the kqueue has. There is one for as long as the descriptor is open: it tells whether the number
    /// still is this descriptor.
    pub(super) present: Filters,
    /// Those of them that report.
    pub(super) enabled: Filters,
    /// The descriptor is the write side of a pipe whose reader is gone. kevent() does not take it (EPIPE).
    pub(super) is_broken: bool,
}

/// The changes that lead from what a kqueue has to what it is to have.
pub(super) struct Changes {
    /// Changes of events that are there. Never empty for a member that has one: they tell whether it is still there.
    pub(super) of_present: Vec<Event>,
    /// Further events.
    pub(super) additions: Vec<(Filters, Event)>,
    pub(super) present: Filters,
    pub(super) enabled: Filters,
}

impl Changes {
    pub(super) fn of(member: &Member, fd: i32) -> Changes {
        let wanted = Filters::of(member.interest, member.is_socket);
        let dispatch = match member.trigger {
            Trigger::Level => 0,
            // Disabled once it was reported.
            Trigger::OneShot => system::EV_DISPATCH,
        };
        let mut changes = Changes { of_present: Vec::new(), additions: Vec::new(), present: wanted, enabled: wanted };
        // Without interest one event stays, which does not report.
        let kept = if wanted.is_empty() { member.present.each().next() } else { None };
        for filter in member.present.each() {
            let flags = if wanted.contains(filter) {
                system::EV_ENABLE
            } else if kept == Some(filter) {
                system::EV_DISABLE
            } else {
                system::EV_DELETE
            };
            changes.of_present.push(filter.change(fd, flags));
        }
        for filter in wanted.without(member.present).each() {
            let flags = system::EV_ADD | system::EV_ENABLE | dispatch;
            changes.additions.push((filter, filter.change(fd, flags)));
        }
        if wanted.is_empty() {
            let kept = kept.unwrap_or(Filters::READ);
            changes.present = kept;
            if !member.present.contains(kept) {
                let flags = system::EV_ADD | system::EV_DISABLE | dispatch;
                changes.additions.push((kept, kept.change(fd, flags)));
            }
        }
        changes
    }
}
