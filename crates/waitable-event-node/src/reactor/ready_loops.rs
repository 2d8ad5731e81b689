//! The run loops of an environment, whose pollers sit in its reactor.
//!
//! A wake-up of a loop's member goes through three of the kernel's lists: the loop's, the reactor's, libuv's. While a turn of the reactor
//! is under way (`linger.rs`), the thread is awake and takes the short way: it looks at the words of those members that are events, and
//! asks the loop's own list for others. What it finds there is kept for the pass that the loop then makes, which need not ask again.
//! Measured on one core: an event of ten pipes that are always ready takes 1.00 µs instead of 1.12, a round trip of two threads in their
//! loops 4.6 µs instead of 7.1.

use std::cell::{Cell, RefCell};
use std::os::fd::AsFd;
use std::rc::Rc;

use napi::Env;
use napi_derive::napi;
use waitable_event::{Interest, Trigger};

use crate::environment::Environment;
use crate::ffi::status;
use crate::pollers::batch_poller as poller;
use crate::pollers::batch_poller::{PollerEntry, of_unit, poller_in};

/// The loops in one reactor.
#[derive(Default)]
pub struct Loops {
    watched: RefCell<Vec<Watched>>,
    is_silent: Cell<bool>,
}

/// Where to look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// At the words of the events.
    Words,
    /// The kernel is asked for a loop that has other members, too.
    KernelOfOthers,
    /// The kernel is asked for every loop: of bytes that others wrote, and of events that were closed, no word tells.
    Kernel,
}

struct Watched {
    token: u32,
    poller: Rc<PollerEntry>,
}

impl Loops {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.watched.borrow().is_empty()
    }

    /// Has the loops of `reactor` not wake it, while they are looked at anyway: whoever writes into a pipe would call through all the lists.
    pub fn silence(&self, reactor: &PollerEntry) {
        if !self.is_silent.replace(true) {
            self.modify(reactor, Interest::default());
        }
    }

    /// Undoes [`Loops::silence`]. The kernel looks at them: what came meanwhile is not lost.
    pub fn listen(&self, reactor: &PollerEntry) {
        if self.is_silent.replace(false) {
            self.modify(reactor, Interest::READABLE);
        }
    }

    fn modify(&self, reactor: &PollerEntry, interest: Interest) {
        for Watched { token, poller } in self.watched.borrow().iter() {
            // It fails for no other reason than that it is not there.
            let _ = reactor.poller.modify(poller.poller.as_fd(), u64::from(*token), interest, Trigger::Level);
        }
    }

    /// Forgets what was found for passes that were not made: JavaScript threw first.
    pub fn forget_stale(&self) {
        self.watched.borrow().iter().for_each(|watched| watched.poller.forget_stale());
    }

    /// Puts the first loop that is ready, if there is one, into the batch of `reactor`: how many entries that makes.
    pub fn look(&self, environment: &Environment, reactor: &PollerEntry, asks: Asks) -> Option<i32> {
        let watched = self.watched.borrow();
        let ready = watched.iter().find(|Watched { poller, .. }| {
            if asks != Asks::Kernel && poller.members.are_events() {
                return poller.fetch_events(environment);
            }
            // A pass is to have all that are ready, and the words do not tell of all.
            (asks != Asks::Words || poller.fetch_events(environment)) && poller.fetch().unwrap_or(false)
        })?;
        // Alone: nothing comes between the look and the pass.
        reactor.write(0, ready.token as i32, poller::READABLE);
        Some(1)
    }
}

/// Has `reactor` report `token` while a member of the run loop with `poller` is ready.
#[napi]
pub fn watch_loop(env: Env, reactor: u32, poller: u32, token: u32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    let (Some(reactor), Some(poller)) = (poller_in(environment, reactor), poller_in(environment, poller)) else {
        return -libc::EBADF;
    };
    let added = reactor.poller.add(poller.poller.as_fd(), u64::from(token), Interest::READABLE, Trigger::Level);
    if added.is_ok() {
        reactor.loops.watched.borrow_mut().push(Watched { token, poller });
    }
    of_unit(added)
}

/// Undoes `watch_loop`.
#[napi]
pub fn unwatch_loop(env: Env, reactor: u32, token: u32) {
    if let Some(reactor) = Environment::of(&env).and_then(|environment| poller_in(environment, reactor)) {
        reactor.loops.watched.borrow_mut().retain(|watched| {
            let stays = watched.token != token;
            if !stays {
                // Errors mean that it is not there.
                let _ = reactor.poller.remove(watched.poller.poller.as_fd());
            }
            stays
        });
    }
}
