//! Events that are awaited in the environment's own loop.
//!
//! An awaited event sits in the environment's reactor, one shot at a time: armed by [`arm`], disarmed by
//! the kernel when it fires. Beside that it is among the event's waiters, for the same reason as a
//! blocked thread (`signal.rs`): a `clear()` may drain the pipe before the loop gets to look.

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::{Arc, Weak};

use napi::Env;
use napi_derive::napi;
use waitable_event::sys::Pipe;
use waitable_event::{Event, Interest, Snapshot, Trigger, Wake};

use crate::environment::Environment;
use crate::ffi::status;
use crate::pollers::batch_poller::{PollerEntry, poller_in};

/// Tokens of watched events start here; the facade's own tokens are below.
const EVENT_TOKEN: u64 = 1 << 53;

/// An event's place in the reactor of this environment.
pub struct Watch {
    reactor: Rc<PollerEntry>,
    waker: Arc<dyn Wake>,
    /// Whose descriptor is in the reactor. Not held: when somebody closes the event, its descriptors
    /// are not to wait for this environment. The kernel takes a closed one out of its list by itself.
    pipe: Option<Weak<Pipe>>,
    /// In the reactor instead, while armed, when this environment has opened the event twice and awaits both: a
    /// reactor takes a descriptor only once.
    copy: Option<OwnedFd>,
    armed: Option<Armed>,
}

struct Armed {
    /// Its key among the event's waiters; `None` while its arming waits (`linger.rs`): then nobody calls it, but the
    /// reactor looks.
    key: Option<usize>,
    entered: Snapshot,
}

impl Watch {
    /// Takes the event out of the reactor.
    pub fn end(mut self, event: &Event) {
        self.disarm(event);
        self.forget_pipe();
    }

    fn disarm(&mut self, event: &Event) {
        if let Some(Armed { key: Some(key), .. }) = self.armed.take() {
            event.signal().leave(key);
        }
        if let Some(copy) = self.copy.take() {
            // Not closed alone: the other copies of a descriptor would keep its place in the reactor.
            let _ = self.reactor.poller.remove(copy.as_fd());
        }
    }

    fn forget_pipe(&mut self) {
        if let Some(pipe) = self.pipe.take().and_then(|pipe| pipe.upgrade()) {
            // Errors mean that it is not there.
            let _ = self.reactor.poller.remove(pipe.reader());
        }
    }

    /// Arms, unless there is something to say already.
    fn arm(&mut self, event: &Event, token: u64, entered: Snapshot) -> Result<bool, waitable_event::Error> {
        if matches!(self.armed, Some(Armed { key: Some(_), .. })) {
            return Ok(false);
        }
        // As a blocked wait: first the epoch, which the caller took when his wait began, then the list, then the word.
        let joined = event.signal().join(self.waker.clone())?;
        self.armed = Some(Armed { key: Some(joined.waiter_id), entered });
        if let Some(outcome) = event.signal().outcome(entered) {
            self.disarm(event);
            return outcome;
        }
        let poller = &self.reactor.poller;
        let fd = joined.doorbell.reader();
        let armed = match &self.pipe {
            Some(_) => poller.modify(fd, token, Interest::READABLE, Trigger::OneShot),
            None => match poller.add(fd, token, Interest::READABLE, Trigger::OneShot) {
                Ok(()) => {
                    self.pipe = Some(Arc::downgrade(&joined.doorbell));
                    Ok(())
                }
                Err(error) if error.raw_os_error() == Some(libc::EEXIST) => fd.try_clone_to_owned().and_then(|copy| {
                    let copy = self.copy.insert(copy);
                    poller.add(copy.as_fd(), token, Interest::READABLE, Trigger::OneShot)
                }),
                Err(error) => Err(error),
            },
        };
        if let Err(error) = armed {
            self.disarm(event);
            return Err(error.into());
        }
        Ok(false)
    }
}

/// Has `reactor` report when the event in `slot` is set. Returns 1 when it is set now, 0 when it is armed.
pub fn arm(environment: &Environment, slot: u32, reactor: u32, entered: u32) -> i32 {
    let Some(reactor) = poller_in(environment, reactor) else {
        return -libc::EBADF;
    };
    let mut events = environment.events.borrow_mut();
    let Some(entry) = events.get_mut(slot as usize) else {
        return status::CLOSED;
    };
    let token = EVENT_TOKEN + u64::from(slot);
    let watch = entry.watch.get_or_insert_with(|| Watch {
        waker: reactor.poller.waker(token),
        reactor,
        pipe: None,
        copy: None,
        armed: None,
    });
    let entered = Snapshot::from_word(entered);
    if watch.armed.is_none() && watch.reactor.unarmed.take(slot) {
        watch.armed = Some(Armed { key: None, entered });
        return 0;
    }
    status::of(watch.arm(&entry.event, token, entered))
}

/// What there is to say of an event whose arming waits.
pub enum Look {
    /// It was set, or its status.
    Outcome(i32),
    /// Nothing yet.
    Nothing,
    /// Nobody waits for it any more.
    Gone,
}

/// Looks at the event in `slot`, and arms it if there is nothing to say and `settles`.
pub fn look(environment: &Environment, slot: u32, settles: bool) -> Look {
    let mut events = environment.events.borrow_mut();
    let Some(entry) = events.get_mut(slot as usize) else {
        return Look::Gone;
    };
    let Some(watch) = &mut entry.watch else {
        return Look::Gone;
    };
    let Some(Armed { key: None, entered }) = watch.armed else {
        return Look::Gone;
    };
    let outcome = match entry.event.signal().outcome(entered) {
        None if settles => watch.arm(&entry.event, EVENT_TOKEN + u64::from(slot), entered),
        None => Ok(false),
        Some(outcome) => outcome,
    };
    match outcome {
        Ok(false) => Look::Nothing,
        outcome => {
            watch.armed = None;
            Look::Outcome(status::of(outcome))
        }
    }
}

/// Nobody waits for the event in `slot` any more.
#[napi]
pub fn disarm_event(env: Env, slot: u32) {
    if let Some(environment) = Environment::of(&env)
        && let Some(entry) = environment.events.borrow_mut().get_mut(slot as usize)
        && let Some(watch) = &mut entry.watch
    {
        watch.disarm(&entry.event);
    }
}

/// The slot that `token` stands for, if it stands for an event.
pub fn slot_of(token: u64) -> Option<usize> {
    token.checked_sub(EVENT_TOKEN).and_then(|slot| usize::try_from(slot).ok())
}

/// What the event in `slot` has to say, now that its token was reported: `None` when nobody waits, or
/// when there was no reason (then it is armed again).
pub fn fired(environment: &Environment, slot: usize, readable: bool) -> Option<i32> {
    let mut events = environment.events.borrow_mut();
    let entry = events.get_mut(slot)?;
    let watch = entry.watch.as_mut()?;
    let entered = watch.armed.as_ref()?.entered;
    let outcome = match entry.event.signal().outcome(entered) {
        Some(outcome) => status::of(outcome),
        None if readable => 1,
        None => return None,
    };
    watch.disarm(&entry.event);
    if outcome < 0 {
        watch.forget_pipe();
    }
    Some(outcome)
}
