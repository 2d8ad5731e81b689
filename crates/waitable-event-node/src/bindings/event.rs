//! Events.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use napi::bindgen_prelude::{Uint8Array, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;
use waitable_event::sys::{Fileno, Pipe};
use waitable_event::{Deadline, Event, State};

use crate::environment::Environment;
use crate::events::open_event::OpenEvent;
use crate::ffi::int32_array::int32_array;
use crate::ffi::reference::Reference;
use crate::ffi::status;

/// Returns what `operation` returns for the event in `slot`.
fn with_event(env: &Env, slot: u32, operation: impl FnOnce(&Event) -> i32) -> i32 {
    Environment::of(env).map_or(status::NO_ENVIRONMENT, |environment| environment.events.with(slot, operation))
}

/// Returns the address of the state word in `state`.
fn state_word(env: &Env, state: &Unknown<'_>) -> Option<NonNull<AtomicU32>> {
    // SAFETY: the environment is current, and the value is an argument of the running call.
    let array = unsafe { int32_array(env.raw(), state.raw()) };
    array.and_then(|(word, _)| NonNull::new(word.cast()))
}

/// Adds `event` to the open ones. Returns its slot, or a status.
fn open(environment: &Environment, event: Event, state: &Unknown<'_>) -> i32 {
    // SAFETY: the environment is current, and the value is an argument of the running call.
    match unsafe { Reference::new(environment.raw, state.raw()) } {
        Some(state) => environment.events.insert(OpenEvent::new(event, state)).map_or_else(
            |open| {
                // SAFETY: the environment is current, and the event has no slot.
                unsafe { open.release(environment.raw) };
                status::FULL
            },
            status::of_number,
        ),
        None => status::NO_ENVIRONMENT,
    }
}

/// Makes an event whose state word is the first element of `state`, an `Int32Array` of zeros over a
/// `SharedArrayBuffer`. Returns its slot, or a status.
#[napi]
pub fn create_event(env: Env, state: Unknown<'_>) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    let Some(word) = state_word(&env, &state) else {
        return status::INVALID_HANDLE;
    };
    // SAFETY: an Int32Array is aligned, and JavaScript accesses this shared memory by Atomics alone. Only environments
    // that have the event open call its methods, on their own thread. Each of them holds a strong reference to an
    // Int32Array over this same shared memory for as long as it has the event open.
    let event = Event::with_state(unsafe { State::lent(word) });
    match event {
        Ok(event) => open(environment, event, &state),
        Err(error) => status::of_error(&error),
    }
}

/// Makes an event as [`create_event`] does, if the first element of `claim`, a shared `Int32Array`, is `free`. The
/// element becomes `taken`, and the event closes with this environment. Returns the slot, or a status: INVALID_HANDLE
/// if the element was not `free`.
///
/// This is one call because a thread that is terminated may end between two. So an element that is `taken` beside an
/// event that is closed means that the thread has ended, or has closed the event itself.
#[napi]
pub fn claim_event(env: Env, state: Unknown<'_>, claim: Unknown<'_>, free: i32, taken: i32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    let Some(claim) = state_word(&env, &claim) else {
        return status::INVALID_HANDLE;
    };
    // SAFETY: as for the state word in `create_event`. The caller's reference to the array outlives this call.
    let claim = unsafe { claim.as_ref() };
    let (free, taken) = (free.cast_unsigned(), taken.cast_unsigned());
    if claim.compare_exchange(free, taken, Ordering::SeqCst, Ordering::SeqCst).is_err() {
        return status::INVALID_HANDLE;
    }
    let slot = create_event(env, state);
    match u32::try_from(slot) {
        Ok(number) => environment.events.with_mut(number, |open| {
            open.closes_with_environment = true;
            slot
        }),
        Err(_) => {
            claim.store(free, Ordering::SeqCst);
            slot
        }
    }
}

/// Returns the key by which other threads open the event in `slot`; 0 when there is no such event.
#[napi]
pub fn event_key(env: Env, slot: u32) -> f64 {
    Environment::of(&env)
        .and_then(|environment| environment.events.get(slot).ok())
        // Below 2^53.
        .map_or(0.0, |event| event.key() as f64)
}

/// Opens the event with this key. `state` must be over the memory that the event was made with. Returns its slot, or a
/// status.
#[napi]
pub fn open_event(env: Env, key: f64, state: Unknown<'_>) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    // A fraction, a negative number or a NaN becomes some integer that is no key.
    match (Event::find(key as u64), state_word(&env, &state)) {
        (Ok(event), Some(word)) if event.signal().state().address() == word.as_ptr().cast_const() => {
            if event.is_closed() { status::INVALID_HANDLE } else { open(environment, event, &state) }
        }
        _ => status::INVALID_HANDLE,
    }
}

/// Sets the event.
pub fn set(environment: &Environment, slot: u32) -> i32 {
    environment.events.with(slot, |event| status::of_unit(event.set()))
}

/// Clears the event.
pub fn clear(environment: &Environment, slot: u32) -> i32 {
    environment.events.with(slot, |event| status::of_unit(event.clear()))
}

/// Returns whether the event is set: 1 or 0.
pub fn is_set(environment: &Environment, slot: u32) -> i32 {
    environment.events.with(slot, |event| status::of(event.is_set()))
}

/// Blocks until the event is set (1) or `timeout` milliseconds have passed (0).
pub fn wait(environment: &Environment, slot: u32, timeout: f64) -> i32 {
    if timeout <= 0.0 {
        // Only a sleep needs descriptors, of which there may be none left.
        return is_set(environment, slot);
    }
    let deadline = Deadline::after_millis(timeout);
    let result = environment
        .events
        .get(slot)
        .and_then(|event| environment.sleeper.with_parker(|parker| event.wait_with(parker, deadline)));
    status::of(result)
}

/// Reads bytes out of the event's pipe. The event is clear when that empties the pipe. Returns the count.
#[napi]
pub fn receive_event(env: Env, slot: u32, mut buffer: Uint8Array) -> i32 {
    with_event(&env, slot, |event| {
        // SAFETY: the facade made the buffer for this call, and no other thread has it.
        let result = event.receive(unsafe { buffer.as_mut() });
        result.map_or_else(|error| status::of_error(&error), status::of_count)
    })
}

/// Returns the descriptor of the event's read side, for a poller of this process alone.
#[napi]
pub fn event_member_fileno(env: Env, slot: u32) -> i32 {
    with_event(&env, slot, |event| status::of(event.signal().doorbell().map(|pipe| pipe.reader_fileno())))
}

/// Returns the descriptor of the event's read side, which the caller may share with other processes.
#[napi]
pub fn event_fileno(env: Env, slot: u32) -> i32 {
    shared_fileno(&env, slot, Pipe::shared_reader)
}

/// Returns the descriptor of the event's write side, which the caller may share with other processes.
#[napi]
pub fn event_write_fileno(env: Env, slot: u32) -> i32 {
    shared_fileno(&env, slot, Pipe::shared_writer)
}

fn shared_fileno(env: &Env, slot: u32, fileno: impl FnOnce(&Pipe) -> io::Result<Fileno>) -> i32 {
    with_event(env, slot, |event| status::of(event.signal().doorbell().and_then(|pipe| Ok(fileno(&pipe)?))))
}

/// Closes the event for all threads. The slot stays until it is released.
#[napi]
pub fn close_event(env: Env, slot: u32) -> i32 {
    with_event(&env, slot, |event| {
        event.close();
        0
    })
}

/// Closes the event for all threads when this environment releases it or ends, however it ends.
#[napi]
pub fn close_event_with_environment(env: Env, slot: u32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    environment.events.with_mut(slot, |open| {
        open.closes_with_environment = true;
        0
    })
}

/// Closes the event in `slot` for all threads when the one in `other` closes. Call it once for each slot.
#[napi]
pub fn close_event_with(env: Env, slot: u32, other: u32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    match environment.events.get(other) {
        Ok(other) => environment.events.with_mut(slot, |open| status::of_unit(open.close_with(other))),
        Err(error) => status::of_error(&error),
    }
}

/// Ends the wait for the event in `slot`, for which a reactor was armed.
#[napi]
pub fn disarm_event(env: Env, slot: u32) {
    if let Some(environment) = Environment::of(&env) {
        environment.events.disarm(slot);
    }
}

/// Releases the event in `slot`, which this environment no longer uses.
#[napi]
pub fn release_event(env: Env, slot: u32) {
    if let Some(environment) = Environment::of(&env) {
        // SAFETY: the environment is current.
        unsafe { environment.events.release(slot, environment.raw) };
    }
}
