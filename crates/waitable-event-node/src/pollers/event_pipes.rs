//! The pipes of those members of a run loop that are events.
//!
//! They are found by token, never by the number of a descriptor: another thread may close an event at any time, and its
//! number is another descriptor's then.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Weak};

use waitable_event::sys::{AsDescriptor, Descriptor, OwnedDescriptor, Pipe};
use waitable_event::{Interest, Poller, Trigger};

/// The pipes in one poller.
#[derive(Default)]
pub struct EventPipes(RefCell<HashMap<u32, EventPipe>>);

struct EventPipe {
    /// Not held: an event that another thread closes must not wait for this one.
    pipe: Weak<Pipe>,
    interest: Interest,
    /// The descriptor that is in the poller in place of the pipe's own.
    separate: Option<OwnedDescriptor>,
}

impl EventPipes {
    /// Adds an event to the poller under `token`.
    ///
    /// # Errors
    ///
    /// EEXIST when the event is in the poller already.
    pub fn add(&self, poller: &Poller, token: u32, pipe: &Arc<Pipe>, interest: Interest) -> io::Result<()> {
        let mut added = EventPipe { pipe: Arc::downgrade(pipe), interest, separate: None };
        match add(poller, pipe.reader(), token, interest) {
            Err(error) if Poller::has_too_many_paths(&error) => {
                added.separate(poller, token).map_err(|_| error)?;
            }
            result => result?,
        }
        self.0.borrow_mut().insert(token, added);
        Ok(())
    }

    /// Changes the interest in an event. Returns `None` when `token` is no event's.
    pub fn modify(&self, poller: &Poller, token: u32, interest: Interest) -> Option<io::Result<()>> {
        let mut pipes = self.0.borrow_mut();
        let member = pipes.get_mut(&token)?;
        member.interest = interest;
        // A closed one is in no poller any more.
        let modify = |fd: Descriptor<'_>| poller.modify(fd, u64::from(token), interest, Trigger::Level);
        Some(member.with_descriptor(modify).unwrap_or(Ok(())))
    }

    /// Removes an event. Returns `None` when `token` is no event's.
    pub fn remove(&self, poller: &Poller, token: u32) -> Option<io::Result<()>> {
        let member = self.0.borrow_mut().remove(&token)?;
        Some(member.with_descriptor(|fd| poller.remove(fd)).unwrap_or(Ok(())))
    }

    /// Has all events be in the poller by descriptors that no other poller holds.
    pub fn separate_all(&self, poller: &Poller) -> io::Result<()> {
        for (token, member) in self.0.borrow_mut().iter_mut().filter(|(_, member)| member.separate.is_none()) {
            let Some(pipe) = member.pipe.upgrade() else {
                continue;
            };
            member.separate(poller, *token)?;
            poller.remove(pipe.reader())?;
        }
        Ok(())
    }
}

impl EventPipe {
    /// Adds a descriptor of the pipe that no other poller holds.
    fn separate(&mut self, poller: &Poller, token: u32) -> io::Result<()> {
        let pipe = self.pipe.upgrade().ok_or(io::ErrorKind::NotFound)?;
        let reader = pipe.separate_reader()?;
        add(poller, reader.as_fd(), token, self.interest)?;
        self.separate = Some(reader);
        Ok(())
    }

    /// Calls `operation` with the descriptor that is in the poller, if the event is open.
    fn with_descriptor<T>(&self, operation: impl FnOnce(Descriptor<'_>) -> T) -> Option<T> {
        match &self.separate {
            Some(reader) => Some(operation(reader.as_fd())),
            None => self.pipe.upgrade().map(|pipe| operation(pipe.reader())),
        }
    }
}

fn add(poller: &Poller, fd: Descriptor<'_>, token: u32, interest: Interest) -> io::Result<()> {
    poller.add(fd, u64::from(token), interest, Trigger::Level)
}
