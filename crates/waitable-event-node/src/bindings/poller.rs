//! Pollers, each under a small number, and their members.

use std::io;
use std::time::Duration;

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue};
use napi_derive::napi;
use waitable_event::sys::{AsDescriptor, AsFileno, Descriptor, Member, descriptor, select};
use waitable_event::{Deadline, Interest, Readiness, Trigger};

use crate::environment::Environment;
use crate::ffi::errno;
use crate::ffi::{readiness_flags, status};
use crate::pollers::batch_poller::BatchPoller;

/// Returns what `operation` returns for the poller with this number.
fn with_poller(env: &Env, poller: u32, operation: impl FnOnce(&Environment, &BatchPoller) -> i32) -> i32 {
    let Some(environment) = Environment::of(env) else {
        return status::NO_ENVIRONMENT;
    };
    environment.poller(poller).map_or(status::NO_POLLER, |poller| operation(environment, &poller))
}

/// Calls `operation` with a descriptor of the facade.
fn with_descriptor(fd: i32, operation: impl FnOnce(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
    // SAFETY: the operations call epoll_ctl(), which answers EBADF for a number that is not open.
    operation(unsafe { descriptor::borrow(fd) }?)
}

/// Makes a poller that reports through `batch`, an `Int32Array` over a `SharedArrayBuffer`, in pairs of token and
/// flags. The last pair is its own. Returns its number, or a status.
#[napi]
pub fn create_poller(env: Env, batch: Unknown<'_>) -> i32 {
    // SAFETY: an argument of the running call, which the facade backs with shared memory.
    Environment::of(&env)
        .map_or(status::NO_ENVIRONMENT, |environment| unsafe { environment.create_poller(batch.raw()) })
}

/// Closes a poller.
#[napi]
pub fn close_poller(env: Env, poller: u32) {
    if let Some(environment) = Environment::of(&env) {
        environment.close_poller(poller);
    }
}

/// Returns 0 if the descriptor is open, or a status.
#[napi]
pub fn check_descriptor(fd: i32) -> i32 {
    status::of_io_unit(descriptor::check(fd))
}

/// Adds a descriptor, level-triggered. ENOTSUP for one whose readiness is gone once it was polled, if the poller is in
/// a reactor.
#[napi]
pub fn add_member(env: Env, poller: u32, fd: i32, token: u32, interest: i32) -> i32 {
    with_poller(&env, poller, |environment, poller| {
        let flags = readiness_flags::to_interest(interest);
        if descriptor::is_consumed_by_polling(fd) {
            if environment.is_in_reactor(poller) {
                return -errno::ENOTSUP;
            }
            poller.polled.add(token, fd, flags);
            poller.members.add(token, interest);
            return 0;
        }
        let result = with_descriptor(fd, |fd| poller.inner.add(fd, u64::from(token), flags, Trigger::Level));
        if result.is_ok() {
            poller.members.add(token, interest);
        }
        status::of_io_unit(result)
    })
}

/// Changes the interest in a descriptor.
#[napi]
pub fn modify_member(env: Env, poller: u32, fd: i32, token: u32, interest: i32) -> i32 {
    with_poller(&env, poller, |_, poller| {
        poller.members.modify(token, interest);
        let flags = readiness_flags::to_interest(interest);
        if let Some(result) = poller.pipes.modify(&poller.inner, token, flags) {
            return status::of_io_unit(result);
        }
        if poller.polled.modify(token, flags) {
            return 0;
        }
        let modify = |fd: Descriptor<'_>| poller.inner.modify(fd, u64::from(token), flags, Trigger::Level);
        status::of_io_unit(with_descriptor(fd, modify))
    })
}

/// Removes a descriptor.
#[napi]
pub fn remove_member(env: Env, poller: u32, fd: i32, token: u32) -> i32 {
    with_poller(&env, poller, |_, poller| {
        poller.members.remove(token);
        if let Some(result) = poller.pipes.remove(&poller.inner, token) {
            return status::of_io_unit(result);
        }
        if poller.polled.remove(token) {
            return 0;
        }
        status::of_io_unit(with_descriptor(fd, |fd| poller.inner.remove(fd)))
    })
}

/// Adds the event in `slot`, level-triggered, which `watch_closing` was called for. `modify_member` and `remove_member`
/// take its token for it, and do not read the descriptor.
#[napi]
pub fn add_event_member(env: Env, poller: u32, token: u32, slot: u32, interest: i32) -> i32 {
    with_poller(&env, poller, |environment, poller| {
        let pipe = environment.events.get(slot).and_then(|event| Ok((event.signal().doorbell()?, event)));
        let (pipe, event) = match pipe {
            Ok(found) => found,
            Err(error) => return status::of_error(&error),
        };
        if let Err(error) = poller.pipes.add(&poller.inner, token, &pipe, readiness_flags::to_interest(interest)) {
            return status::of_io_error(&error);
        }
        // `close()` marks the event first, and removes its pipe from the poller then. If the mark is not there yet, the
        // pipe will be removed. If it is, the pipe may have been added after that.
        if event.is_closed() {
            let _ = poller.pipes.remove(&poller.inner, token);
            return status::CLOSED;
        }
        poller.members.add(token, interest);
        0
    })
}

/// Records that the member with `token` is the event in `slot`, and has the poller report the token, with no flags,
/// when the event closes. Returns the number among the event's waiters, for `unwatch_closing`.
#[napi]
pub fn watch_closing(env: Env, poller: u32, token: u32, slot: u32, interest: i32) -> i32 {
    with_poller(&env, poller, |environment, poller| {
        let joined = environment.events.get(slot).and_then(|event| {
            let pipe = event.signal().doorbell()?;
            event.signal().join(poller.inner.close_waker(u64::from(token), &pipe))
        });
        if joined.is_ok() {
            poller.members.add_event(token, slot, interest);
        }
        joined.map_or_else(|error| status::of_error(&error), |joined| status::of_count(joined.waiter_id))
    })
}

/// Undoes `watch_closing`, which returned `waiter_id`.
#[napi]
pub fn unwatch_closing(env: Env, poller: u32, token: u32, slot: u32, waiter_id: u32) {
    let Some(environment) = Environment::of(&env) else {
        return;
    };
    if let Some(poller) = environment.poller(poller) {
        poller.members.remove_event(token);
    }
    if let Ok(event) = environment.events.get(slot) {
        event.signal().leave(waiter_id as usize);
    }
}

/// Has the poller's alarm expire in `delay` milliseconds; `Infinity` never.
#[napi]
pub fn set_poller_alarm(env: Env, poller: u32, delay: f64) -> i32 {
    with_poller(&env, poller, |_, poller| status::of_io_unit(poller.inner.set_alarm(duration(delay))))
}

/// Makes the poller ready, with nothing to report, whenever the wall clock is set.
#[napi]
pub fn watch_clock(env: Env, poller: u32) -> i32 {
    with_poller(&env, poller, |_, poller| status::of_io_unit(poller.watch_clock()))
}

/// Moves what is ready into the batch, without waiting. Returns the count, with the alarm's bit when the alarm has
/// expired. What was polled before counts as ready, unless `is_stale` says that something has happened since.
pub fn poll_ready(environment: &Environment, poller: u32, is_stale: bool) -> i32 {
    environment.poller(poller).map_or(status::NO_POLLER, |poller| {
        if is_stale {
            poller.discard_stale();
        }
        poller.fill_members()
    })
}

/// Blocks until something is ready or `timeout` milliseconds have passed, then does the same as `poll_ready`.
pub fn wait_ready(environment: &Environment, poller: u32, timeout: f64) -> i32 {
    environment.poller(poller).map_or(status::NO_POLLER, |poller| {
        // What is in the batch already, or is found at a glance, needs no sleep.
        match if poller.has_more() { Ok(true) } else { poller.glance() } {
            Ok(true) => poller.fill_members(),
            Ok(false) => sleep_until_ready(environment, &poller, timeout),
            Err(error) => status::of_io_error(&error),
        }
    })
}

/// Sleeps until something is ready or `timeout` milliseconds have passed, then does the same as `poll_ready`.
fn sleep_until_ready(environment: &Environment, poller: &BatchPoller, timeout: f64) -> i32 {
    let mut members = vec![Member {
        fd: poller.inner.as_fd().as_raw_fd(),
        interest: Interest::READABLE,
        readiness: Readiness::default(),
    }];
    poller.polled.append_to(&mut members);
    let deadline = Deadline::after_millis(timeout);
    match environment.sleeper.with_parker(|parker| select(&mut members, parker, deadline)) {
        Ok(Some(0)) if !poller.inner.is_late() => return 0,
        Ok(Some(_)) => {}
        Ok(None) => return status::INTERRUPTED,
        Err(error) => return status::of_io_error(&error),
    }
    let reports = poller.polled.reports(&members[1..]);
    if !reports.is_empty() {
        // Before the reports, which a poll would discard.
        if let Err(error) = poller.poll() {
            return status::of_io_error(&error);
        }
        poller.append(reports);
    }
    poller.fill_members()
}

/// Returns milliseconds as a duration: `None` for one that never ends.
fn duration(milliseconds: f64) -> Option<Duration> {
    if milliseconds <= 0.0 {
        return Some(Duration::ZERO);
    }
    Duration::try_from_secs_f64(milliseconds / 1e3).ok()
}
