//! How the environment's own poller, the reactor, wakes Node's event loop.
//!
//! Two drivers with one surface. `uv.rs` has libuv poll the reactor's descriptor: half the price, and on
//! Node the default. `thread.rs` has a thread of ours poll it and post to a threadsafe function, with Node-API
//! alone: for runtimes whose libuv cannot be used.
//!
//! libuv never sees a user's descriptor, on which it may abort; it sees the reactor's, which is ours.

mod thread;
mod uv;

use std::io;
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue, sys};
use napi_derive::napi;

use crate::environment::Environment;
use crate::ffi::reference::Reference;
use crate::ffi::status;
use crate::pollers::batch_poller::PollerEntry;
use crate::reactor::turn::Turn;

/// One of the two drivers, started.
pub enum Driver {
    Uv(uv::UvDriver),
    Thread(thread::ThreadDriver),
}

impl Driver {
    fn start(environment: &Environment, reactor: &Rc<PollerEntry>) -> io::Result<Driver> {
        match environment.uv() {
            Some((functions, uv_loop)) => uv::UvDriver::start(environment, functions, uv_loop, reactor).map(Driver::Uv),
            None => thread::ThreadDriver::start(environment, reactor).map(Driver::Thread),
        }
    }

    fn hold(&self, environment: &Environment, alive: bool) {
        match self {
            Driver::Uv(driver) => driver.hold(alive),
            Driver::Thread(driver) => driver.hold(environment, alive),
        }
    }
}

/// Makes a reactor that reports through `batch` and calls `on_ready(count)`, and starts its driver. Made
/// when something is awaited for the first time: an environment that never awaits has none.
/// Returns its number among the pollers, or a status.
#[napi]
pub fn start_reactor(env: Env, batch: Unknown<'_>, on_ready: Unknown<'_>) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    // SAFETY: the environment is current, and the value is an argument of the running call.
    let on_ready = unsafe { Reference::new(environment.raw, on_ready.raw()) };
    let reactor = match PollerEntry::new(environment.raw, &batch, on_ready) {
        Ok(reactor) => Rc::new(reactor),
        Err(error) => return error,
    };
    match Driver::start(environment, &reactor) {
        Ok(driver) => {
            let _ = reactor.driver.set(driver);
            crate::pollers::batch_poller::insert(environment, reactor)
        }
        Err(error) => {
            reactor.release(environment.raw);
            status::of_io(&error)
        }
    }
}

/// Has the reactor keep the process alive while JavaScript says that somebody wants it to.
pub fn hold_reactor(environment: &Environment, reactor: u32) -> i32 {
    environment.pollers.borrow().get(reactor as usize).map_or(-libc::EBADF, |reactor| {
        hold(environment, reactor);
        0
    })
}

fn hold(environment: &Environment, reactor: &PollerEntry) {
    let alive = reactor.holders() > 0;
    if reactor.is_held.replace(alive) != alive
        && let Some(driver) = reactor.driver.get()
    {
        driver.hold(environment, alive);
    }
}

/// Hands what is ready to JavaScript: once for a whole batch.
///
/// # Safety
///
/// `env` is current on this thread, which runs its event loop.
unsafe fn dispatch(env: sys::napi_env, reactor: &PollerEntry) {
    // SAFETY: the caller's contract.
    let Some(environment) = (unsafe { Environment::of_raw(env) }) else {
        return;
    };
    reactor.set_in_turn(true);
    // One scope for all: a round makes four handles, and a turn is short.
    // SAFETY: the caller's contract.
    environment.in_scope(|| unsafe { take_turn(env, reactor) });
    // SAFETY: the caller's contract. The batch is there for as long as the environment is.
    if let Some(environment) = unsafe { Environment::of_raw(env) } {
        reactor.set_in_turn(false);
        hold(environment, reactor);
    }
}

/// # Safety
///
/// As for [`dispatch`].
unsafe fn take_turn(env: sys::napi_env, reactor: &PollerEntry) {
    let turn = Turn::begin(reactor);
    let mut is_first = true;
    let mut call = None;
    loop {
        // SAFETY: the caller's contract; looked up again after each call, which may have ended it.
        let Some(environment) = (unsafe { Environment::of_raw(env) }) else {
            return;
        };
        // The rest of what was taken may be for nobody any more. That does not end the turn: events wait to be looked at.
        let is_rest = is_first || reactor.has_more();
        let filled = if is_rest { reactor.fill(environment) } else { turn.next(environment) };
        if filled == 0 && !is_rest {
            return;
        }
        is_first = false;
        if filled != 0 {
            if call.is_none() {
                call = Call::new(environment, reactor);
            }
            if !call.as_ref().is_some_and(|call| call.deliver(environment, filled)) {
                return;
            }
        }
        reactor.loops.forget_stale();
    }
}

/// What all calls of a turn have in common, for as long as its handle scope is open.
struct Call {
    receiver: sys::napi_value,
    on_ready: sys::napi_value,
}

impl Call {
    fn new(environment: &Environment, reactor: &PollerEntry) -> Option<Call> {
        let on_ready = reactor.on_ready(environment)?;
        let mut receiver = ptr::null_mut();
        // SAFETY: the environment is current, and the result is ours.
        unsafe { sys::napi_get_global(environment.raw, &mut receiver) };
        Some(Call { receiver, on_ready })
    }

    /// Calls `on_ready(filled)`; false when JavaScript cannot run any more.
    fn deliver(&self, environment: &Environment, filled: i32) -> bool {
        let raw = environment.raw;
        let (mut argument, mut result) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the environment is current, and the results are ours.
        unsafe {
            sys::napi_create_int32(raw, filled, &mut argument);
            // As a callback of the loop: ticks and promise jobs run when it returns.
            match sys::napi_make_callback(raw, ptr::null_mut(), self.receiver, self.on_ready, 1, &argument, &mut result)
            {
                sys::Status::napi_ok => true,
                sys::Status::napi_pending_exception => {
                    let mut exception = ptr::null_mut();
                    if sys::napi_get_and_clear_last_exception(raw, &mut exception) == sys::Status::napi_ok {
                        sys::napi_fatal_exception(raw, exception);
                    }
                    true
                }
                _ => false,
            }
        }
    }
}
