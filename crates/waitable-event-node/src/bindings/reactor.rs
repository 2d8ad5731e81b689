//! Reactors, each under the number of its poller.

use std::io;

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue};
use napi_derive::napi;
use waitable_event::sys::{Descriptor, descriptor};
use waitable_event::{Poller, Snapshot, Trigger};

use crate::environment::Environment;
use crate::ffi::errno;
use crate::ffi::{readiness_flags, status};
use crate::reactor::reactor::Reactor;

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

/// Has the reactor report once, under `token`, that a descriptor is ready: for `interest`, or for a hang-up or an
/// error. ENOTSUP for a descriptor whose readiness is gone once it was polled: the reactor would poll it twice. Returns
/// 1 if it has a duplicate, 0 if not.
pub fn watch_descriptor(environment: &Environment, reactor: u32, fd: i32, token: u32, interest: i32) -> i32 {
    if descriptor::is_consumed_by_polling(fd) {
        return -errno::ENOTSUP;
    }
    with_descriptor(environment, reactor, fd, |reactor, fd| {
        let interest = readiness_flags::to_interest(interest);
        reactor.poller.add_foreign(fd, u64::from(token), interest, Trigger::OneShot).map(usize::from)
    })
}

/// Has the reactor report once more that a descriptor is ready. ENOENT when the number is not the descriptor any more
/// that `watch_descriptor` added under `token`.
pub fn rearm_descriptor(environment: &Environment, reactor: u32, fd: i32, token: u32, interest: i32) -> i32 {
    with_descriptor(environment, reactor, fd, |reactor, fd| {
        let interest = readiness_flags::to_interest(interest);
        reactor.poller.modify_foreign(fd, u64::from(token), interest, Trigger::OneShot).map(|()| 0)
    })
}

/// Undoes `watch_descriptor`.
pub fn unwatch_descriptor(environment: &Environment, reactor: u32, fd: i32, token: u32) -> i32 {
    with_descriptor(environment, reactor, fd, |reactor, fd| {
        reactor.poller.remove_foreign(fd, u64::from(token)).map(|()| 0)
    })
}

/// Calls `operation` with a reactor, and a descriptor of the user. Returns a status.
fn with_descriptor(
    environment: &Environment,
    reactor: u32,
    fd: i32,
    operation: impl FnOnce(&Reactor, Descriptor<'_>) -> io::Result<usize>,
) -> i32 {
    let Some(reactor) = environment.reactor(reactor) else {
        return status::NO_POLLER;
    };
    // SAFETY: the operations call epoll_ctl(), which answers EBADF for a number that is not open.
    status::of_io_count(unsafe { descriptor::borrow(fd) }.and_then(|fd| operation(&reactor, fd)))
}

/// Has the reactor report `token` while a member of the run loop with `poller` is ready. ENOTSUP when the readiness of
/// one of them would be gone by then.
#[napi]
pub fn watch_loop(env: Env, reactor: u32, poller: u32, token: u32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    match (environment.reactor(reactor), environment.poller(poller)) {
        // The reactor would poll them first, and the loop would not see what they had.
        (Some(_), Some(poller)) if !poller.polled.is_empty() => -errno::ENOTSUP,
        (Some(reactor), Some(poller)) => {
            let add = || reactor.loops.add(&reactor.poller, token, poller.clone());
            let added = match add() {
                Err(error) if Poller::has_too_many_paths(&error) => {
                    poller.pipes.separate_all(&poller.inner).map_err(|_| error).and_then(|()| add())
                }
                added => added,
            };
            status::of_io_unit(added)
        }
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
