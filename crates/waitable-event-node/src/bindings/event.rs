//! The events that this environment has open, each under a small number (its slot).

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use napi::bindgen_prelude::{Uint8Array, Unknown};
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use waitable_event::{Deadline, Error, Event, State, Wake, WeakEvent};

use crate::environment::Environment;
use crate::events::watch::Watch;
use crate::ffi::reference::{Reference, int32_array};
use crate::ffi::status;
use crate::sleeper as blocking;

/// One event that is open in one environment.
pub struct Entry {
    pub event: Event,
    /// Keeps the memory of the state word alive: see the SAFETY comment in `create_event`.
    state: Reference,
    pub watch: Option<Watch>,
    /// Whether the event is closed, for everybody, when this environment lets go of it, at its end at the latest.
    ends_with_environment: bool,
    /// The event whose end is this one's end too, and the key to leave its waiters with.
    ends_with: Option<(Event, usize)>,
}

impl Entry {
    /// Lets go of everything the entry holds in `env`, which is current.
    pub fn release(self, env: sys::napi_env) {
        if self.ends_with_environment {
            self.event.close();
        }
        if let Some(watch) = self.watch {
            watch.end(&self.event);
        }
        if let Some((other, key)) = &self.ends_with {
            other.signal().leave(*key);
        }
        drop(self.event);
        // SAFETY: the reference was made in this environment, and the entry is gone.
        unsafe { self.state.delete(env) };
    }
}

/// Puts `event` among the open ones. Returns its slot.
fn open(environment: &Environment, event: Event, state: &Unknown<'_>) -> i32 {
    // SAFETY: the environment is current, and the value is an argument of the running call.
    let Some(state) = (unsafe { Reference::new(environment.raw, state.raw()) }) else {
        return status::NO_ENVIRONMENT;
    };
    let slot = environment.events.borrow_mut().insert(Entry {
        event,
        state,
        watch: None,
        ends_with_environment: false,
        ends_with: None,
    });
    i32::try_from(slot).unwrap_or(status::NO_ENVIRONMENT)
}

/// Applies `operation` to the event in `slot`. A slot that is not in use was a closed event's.
fn with_event(environment: &Environment, slot: u32, operation: impl FnOnce(&Event) -> i32) -> i32 {
    match environment.events.borrow().get(slot as usize) {
        Some(entry) => operation(&entry.event),
        None => status::CLOSED,
    }
}

/// `with_event` for `#[napi]` functions.
fn with_open_event(env: &Env, slot: u32, operation: impl FnOnce(&Event) -> i32) -> i32 {
    Environment::of(env).map_or(status::NO_ENVIRONMENT, |environment| with_event(environment, slot, operation))
}

/// The event in `slot`, held beyond the call into the slab: for what may take long.
pub fn event_in(environment: &Environment, slot: u32) -> Result<Event, Error> {
    environment.events.borrow().get(slot as usize).map(|entry| entry.event.clone()).ok_or(Error::Closed)
}

/// Makes an event whose state word is the first element of `state`, an `Int32Array` of zeros over a
/// `SharedArrayBuffer`. Returns its slot, or a status.
#[napi]
pub fn create_event(env: Env, state: Unknown<'_>) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    // SAFETY: the environment is current, and the value is an argument of the running call.
    let word = unsafe { int32_array(env.raw(), state.raw()) };
    let Some(word) = word.and_then(|(word, _)| NonNull::new(word.cast::<AtomicU32>())) else {
        return status::INVALID_HANDLE;
    };
    // SAFETY: an Int32Array is aligned, and JavaScript reaches shared memory by Atomics alone here. Only
    // environments with an entry for the event call its methods, on their own thread, and each entry
    // holds a strong reference to an Int32Array over this same shared memory for as long as it is there.
    let event = Event::with_state(unsafe { State::lent(word) });
    match event {
        Ok(event) => open(environment, event, &state),
        Err(error) => status::of_error(&error),
    }
}

/// The key by which other threads open the event in `slot`; 0 when there is no such event.
#[napi]
pub fn event_key(env: Env, slot: u32) -> f64 {
    Environment::of(&env)
        .and_then(|environment| event_in(environment, slot).ok())
        // Below 2^53.
        .map_or(0.0, |event| event.key() as f64)
}

/// Opens the event with this key. `state` must be over the memory that the event was made with.
#[napi]
pub fn open_event(env: Env, key: f64, state: Unknown<'_>) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    // SAFETY: the environment is current, and the value is an argument of the running call.
    let word = unsafe { int32_array(env.raw(), state.raw()) };
    // A fraction, a negative number or a NaN becomes some integer that is no key.
    match (Event::find(key as u64), word) {
        (Ok(event), Some((word, _))) if event.signal().state().address() == word.cast_const().cast() => {
            if event.is_closed() { status::INVALID_HANDLE } else { open(environment, event, &state) }
        }
        _ => status::INVALID_HANDLE,
    }
}

/// Sets the event.
pub fn set(environment: &Environment, slot: u32) -> i32 {
    with_event(environment, slot, |event| status::of_unit(event.set()))
}

/// Clears the event.
pub fn clear(environment: &Environment, slot: u32) -> i32 {
    with_event(environment, slot, |event| status::of_unit(event.clear()))
}

/// Whether the event is set: 1 or 0.
pub fn is_set(environment: &Environment, slot: u32) -> i32 {
    with_event(environment, slot, |event| status::of(event.is_set()))
}

/// Blocks until the event is set (1) or `timeout` milliseconds have passed (0).
pub fn wait(environment: &Environment, slot: u32, timeout: f64) -> i32 {
    if timeout <= 0.0 {
        // Only a sleep needs descriptors, of which there may be none left.
        return is_set(environment, slot);
    }
    let deadline = Deadline::after_millis(timeout);
    let result = event_in(environment, slot)
        .and_then(|event| blocking::with_parker(environment, |parker| event.wait_with(parker, deadline)));
    status::of(result)
}

/// Reads bytes out of the event's pipe; the event is clear when that empties it.
#[napi]
pub fn receive_event(env: Env, slot: u32, mut buffer: Uint8Array) -> i32 {
    with_open_event(&env, slot, |event| {
        // SAFETY: the facade made the buffer for this call and shares it with nobody.
        let result = event.receive(unsafe { buffer.as_mut() });
        result.map_or_else(|error| status::of_error(&error), |count| status::of_count(Ok(count)))
    })
}

/// The descriptor of the event's read side.
#[napi]
pub fn event_fileno(env: Env, slot: u32) -> i32 {
    with_open_event(&env, slot, |event| status::of(event.signal().doorbell().map(|pipe| pipe.reader_fileno())))
}

/// The descriptor of the event's write side.
#[napi]
pub fn event_write_fileno(env: Env, slot: u32) -> i32 {
    with_open_event(&env, slot, |event| status::of(event.signal().doorbell().map(|pipe| pipe.writer_fileno())))
}

/// Closes the event for everybody. The slot stays until it is released.
#[napi]
pub fn close_event(env: Env, slot: u32) -> i32 {
    with_open_event(&env, slot, |event| {
        event.close();
        0
    })
}

/// Has the event closed for everybody when this environment lets go of it, or ends, however it ends.
#[napi]
pub fn close_event_with_environment(env: Env, slot: u32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    match environment.events.borrow_mut().get_mut(slot as usize) {
        Some(entry) => {
            entry.ends_with_environment = true;
            0
        }
        None => status::CLOSED,
    }
}

/// Closes an event when another one closes.
struct CloseWith(WeakEvent);

impl Wake for CloseWith {
    fn wake(&self) {}

    fn closed(&self) {
        // Called under the other event's lock; nobody locks an event while he holds the lock of one that ends with it.
        if let Some(event) = self.0.upgrade() {
            event.close();
        }
    }
}

/// Has the event in `slot` close for everybody when the one in `other` closes. Once for each slot.
#[napi]
pub fn close_event_with(env: Env, slot: u32, other: u32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    let result = event_in(environment, slot).and_then(|event| {
        let other = event_in(environment, other)?;
        let key = other.signal().join(Arc::new(CloseWith(event.downgrade())))?.waiter_id;
        Ok((other, key))
    });
    match (result, environment.events.borrow_mut().get_mut(slot as usize)) {
        (Ok(ends_with), Some(entry)) => {
            entry.ends_with = Some(ends_with);
            0
        }
        (Err(error), _) => status::of_error(&error),
        (Ok(_), None) => status::CLOSED,
    }
}

/// Gives the slot back: this environment is done with the event.
#[napi]
pub fn release_event(env: Env, slot: u32) {
    let Some(environment) = Environment::of(&env) else {
        return;
    };
    let entry = environment.events.borrow_mut().try_remove(slot as usize);
    if let Some(entry) = entry {
        entry.release(environment.raw);
    }
}
