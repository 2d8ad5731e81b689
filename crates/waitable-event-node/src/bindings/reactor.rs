//! Reactors, each under the number of its poller.

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue};
use napi_derive::napi;
use waitable_event::Snapshot;

use crate::environment::Environment;
use crate::ffi::status;

/// Makes a reactor that reports through `batch` and calls `on_ready(count)`, and starts its driver. The facade calls it
/// when something is awaited for the first time: an environment that never awaits has none. Returns the number of the
/// reactor's poller, or a status.
#[napi]
pub fn start_reactor(env: Env, batch: Unknown<'_>, on_ready: Unknown<'_>) -> i32 {
    Environment::of(&env).map_or(status::NO_ENVIRONMENT, |environment| {
        // SAFETY: arguments of the running call; the facade backs the batch with shared memory.
        unsafe { environment.start_reactor(batch.raw(), on_ready.raw()) }
    })
}

/// Has the reactor report when the event in `slot` is set, for waits that began when its state word was `entered`.
/// Returns 1 when it has been set since, 0 when it is armed.
pub fn arm_event(environment: &Environment, slot: u32, reactor: u32, entered: u32) -> i32 {
    environment.reactor(reactor).map_or(status::NO_POLLER, |reactor| reactor.arm(slot, Snapshot::from_word(entered)))
}

/// Has the reactor keep the process alive while its batch has holders.
pub fn hold_reactor(environment: &Environment, reactor: u32) -> i32 {
    environment.reactor(reactor).map_or(status::NO_POLLER, |reactor| {
        reactor.update_hold();
        0
    })
}

/// Has the reactor report `token` while a member of the run loop with `poller` is ready.
#[napi]
pub fn watch_loop(env: Env, reactor: u32, poller: u32, token: u32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    match (environment.reactor(reactor), environment.poller(poller)) {
        (Some(reactor), Some(poller)) => status::of_io_unit(reactor.loops.add(&reactor.poller, token, poller)),
        _ => status::NO_POLLER,
    }
}

/// Undoes `watch_loop`.
#[napi]
pub fn unwatch_loop(env: Env, reactor: u32, token: u32) {
    if let Some(reactor) = Environment::of(&env).and_then(|environment| environment.reactor(reactor)) {
        reactor.loops.remove(&reactor.poller, token);
    }
}
