//! Events that are awaited in the environment's own event loop.
//!
//! An awaited event sits in the environment's reactor, one shot at a time: [`Watch::arm`] arms it, and the kernel
//! disarms it when it fires. Beside that it is among the event's waiters, for the same reason as a blocked thread
//! (`signal.rs`): a `clear()` may drain the pipe before the reactor polls it.

use std::io;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use waitable_event::sys::{AsDescriptor, OwnedDescriptor, Pipe};
use waitable_event::{Error, Event, Interest, Poller, Readiness, Snapshot, Trigger, Wake};

use crate::ffi::errno;
use crate::ffi::status;
use crate::pollers::batch_poller::BatchPoller;
use crate::pollers::token;
use crate::reactor::pending_arms::PendingArms;

/// The place of an event in the reactor of this environment.
pub struct Watch {
    poller: Rc<BatchPoller>,
    token: u64,
    waker: Arc<dyn Wake>,
    /// The pipe whose descriptor is in the reactor. Not held: when another thread closes the event, its descriptors
    /// must not wait for this environment. The kernel removes a closed one by itself.
    pipe: Option<Weak<Pipe>>,
    /// A descriptor that is in the reactor in place of the pipe's own, while armed. It exists when this environment has
    /// opened the event twice and awaits both, because a reactor takes a descriptor only once. It exists too when so
    /// many threads await the event that the kernel takes its own descriptor no more (`epoll.rs`).
    copy: Option<OwnedDescriptor>,
    armed: Option<Armed>,
}

struct Armed {
    /// The number of its waker among the event's waiters. `None` while its arming is pending (`pending_arms.rs`): then
    /// the reactor polls the word.
    waiter_id: Option<usize>,
    /// The word when the wait began.
    entered: Snapshot,
}

/// What the word says of an event whose arming is pending.
pub enum Pending {
    /// The event is set (1), or cannot be awaited any more (a negative status).
    Outcome(i32),
    /// The event is still awaited.
    Waiting,
    /// The event is not awaited any more.
    Gone,
}

impl Watch {
    /// Returns the watch for the event in `slot`, in the reactor with `poller`.
    pub fn new(poller: Rc<BatchPoller>, slot: u32) -> Watch {
        let token = token::of_event(slot);
        Watch { waker: poller.inner.waker(token), token, poller, pipe: None, copy: None, armed: None }
    }

    /// Removes the event from the reactor.
    pub fn end(mut self, event: &Event) {
        self.disarm(event);
        self.forget_pipe();
    }

    /// Ends the present wait.
    pub fn disarm(&mut self, event: &Event) {
        if let Some(Armed { waiter_id: Some(waiter_id), .. }) = self.armed.take() {
            event.signal().leave(waiter_id);
        }
        if let Some(copy) = self.copy.take() {
            // Closing it is not enough: the other copies of a descriptor would keep its place in the reactor.
            let _ = self.poller.inner.remove(copy.as_fd());
        }
    }

    fn forget_pipe(&mut self) {
        if let Some(pipe) = self.pipe.take().and_then(|pipe| pipe.upgrade()) {
            // Fails only when the pipe is not in the reactor.
            let _ = self.poller.inner.remove(pipe.reader());
        }
    }

    /// Has the reactor report when the event is set, for a wait that began at `entered`. Returns true, without arming,
    /// when it has been set since. Puts the arming off if `pending` accepts it.
    pub fn arm(&mut self, event: &Event, slot: u32, entered: Snapshot, pending: &PendingArms) -> Result<bool, Error> {
        if self.armed.is_none() && pending.defer(slot) {
            self.armed = Some(Armed { waiter_id: None, entered });
            return Ok(false);
        }
        self.arm_in_kernel(event, entered)
    }

    fn arm_in_kernel(&mut self, event: &Event, entered: Snapshot) -> Result<bool, Error> {
        if matches!(self.armed, Some(Armed { waiter_id: Some(_), .. })) {
            return Ok(false);
        }
        // In the order of a blocked wait: first the epoch, which the caller read when its wait began, then the list,
        // then the word.
        let joined = event.signal().join(self.waker.clone())?;
        self.armed = Some(Armed { waiter_id: Some(joined.waiter_id), entered });
        if let Some(outcome) = event.signal().outcome(entered) {
            self.disarm(event);
            return outcome;
        }
        let poller = &self.poller.inner;
        let fd = joined.doorbell.reader();
        let armed = match &self.pipe {
            Some(_) => poller.modify(fd, self.token, Interest::READABLE, Trigger::OneShot),
            None => match self.poller.add(fd, self.token, Interest::READABLE, Trigger::OneShot) {
                Ok(()) => {
                    self.pipe = Some(Arc::downgrade(&joined.doorbell));
                    Ok(())
                }
                Err(error) => self.add_copy(&joined.doorbell, error),
            },
        };
        if let Err(error) = armed {
            self.disarm(event);
            return Err(error.into());
        }
        Ok(false)
    }

    /// Adds a descriptor in place of the pipe's own, which the reactor refuses with `error`.
    fn add_copy(&mut self, pipe: &Pipe, error: io::Error) -> io::Result<()> {
        let mut add = |copy: io::Result<OwnedDescriptor>| {
            let copy = self.copy.insert(copy?);
            self.poller.add(copy.as_fd(), self.token, Interest::READABLE, Trigger::OneShot)
        };
        let is_member = errno::is(&error, errno::EEXIST);
        let result = if is_member { add(pipe.reader().try_clone_to_owned()) } else { Err(error) };
        match result {
            Err(error) if Poller::has_too_many_paths(&error) => add(pipe.separate_reader()).map_err(|_| error),
            result => result,
        }
    }

    /// Reads the word of an event whose arming is pending.
    pub fn poll_pending(&mut self, event: &Event) -> Pending {
        let Some(Armed { waiter_id: None, entered }) = self.armed else {
            return Pending::Gone;
        };
        let outcome = event.signal().outcome(entered).unwrap_or(Ok(false));
        self.settle(outcome)
    }

    /// Arms an event whose arming is pending, unless its word has an outcome already.
    pub fn arm_pending(&mut self, event: &Event) -> Pending {
        let Some(Armed { waiter_id: None, entered }) = self.armed else {
            return Pending::Gone;
        };
        let outcome = match event.signal().outcome(entered) {
            Some(outcome) => outcome,
            None => self.arm_in_kernel(event, entered),
        };
        self.settle(outcome)
    }

    fn settle(&mut self, outcome: Result<bool, Error>) -> Pending {
        match outcome {
            Ok(false) => Pending::Waiting,
            outcome => {
                self.armed = None;
                Pending::Outcome(status::of(outcome))
            }
        }
    }

    /// Ends the wait, now that the token was reported, and returns its outcome. Returns `None` when the event is not
    /// awaited. Returns `None` too, and the event stays armed, when there is no outcome: then a waker was called for an
    /// earlier wait.
    pub fn consume(&mut self, event: &Event, readiness: Readiness) -> Option<i32> {
        let entered = self.armed.as_ref()?.entered;
        let outcome = match event.signal().outcome(entered) {
            Some(outcome) => status::of(outcome),
            None if readiness.readable => 1,
            // Foreign code has closed the other side of the pipe.
            None if readiness.hang_up || readiness.error => status::of_error(&event.on_end_of_pipe()),
            None => return None,
        };
        self.disarm(event);
        if outcome < 0 {
            self.forget_pipe();
        }
        Some(outcome)
    }
}
