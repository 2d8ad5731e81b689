//! The few functions that are called millions of times a second, without napi's conveniences.
//!
//! A `#[napi]` function with an argument costs about 110 ns more than one that is registered by hand (measured with
//! napi 3.16: 123 ns against 30 to 40 ns for an empty call). That is a quarter of what `set()` and `clear()` together
//! cost in the kernel. The functions here have numbers or a buffer as arguments, and return a status.

use std::cell::Cell;
use std::ffi::{CStr, c_void};
use std::ptr;

use napi::bindgen_prelude::Object;
use napi::{Env, JsValue, sys};
use napi_derive::napi;

use super::{datagram, descriptor, event, poller, reactor, select};
use crate::environment::Environment;
use crate::events::event_table::NO_SLOT;
use crate::ffi::address::ADDRESS_LENGTH;
use crate::ffi::status;

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// Returns what `body` returns, or a status when the environment has ended.
fn in_environment(environment: Option<&Environment>, body: impl FnOnce(&Environment) -> i32) -> i32 {
    match environment {
        Some(environment) if !environment.has_ended() => body(environment),
        _ => status::NO_ENVIRONMENT,
    }
}

/// Returns what `body` returns for the arguments of a call: the environment, a slot and, if there are so many, a number
/// and a state word.
///
/// # Safety
///
/// `env` and `info` are those of a running call of a function that [`fast_functions`] made.
unsafe fn call<const COUNT: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Environment, u32, f64, u32) -> i32,
) -> i32 {
    let (mut count, mut arguments, mut data) = (COUNT, [ptr::null_mut(); COUNT], ptr::null_mut::<c_void>());
    // SAFETY: the caller's contract; at most so many arguments are written. The data is the environment's state, which
    // outlives its functions.
    let environment = unsafe {
        sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), &mut data);
        data.cast::<Environment>().as_ref()
    };
    let (mut slot, mut number, mut word) = (NO_SLOT, 0.0, 0);
    // SAFETY: the arguments are live values. Those that were not passed are undefined: for them the call fails and
    // leaves the result as it is.
    unsafe {
        if COUNT > 0 {
            sys::napi_get_value_uint32(env, arguments[0], &mut slot);
        }
        if COUNT > 1 {
            sys::napi_get_value_double(env, arguments[1], &mut number);
        }
        if COUNT > 2 {
            // The number may have either sign: only its 32 bits count.
            sys::napi_get_value_int32(env, arguments[2], &mut word);
        }
    }
    in_environment(environment, |environment| body(environment, slot, number, word as u32))
}

/// Returns what `body` returns for the arguments of a call: the environment, and integers.
///
/// # Safety
///
/// As for [`call`].
unsafe fn call_with<const COUNT: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Environment, [i32; COUNT]) -> i32,
) -> i32 {
    let (mut count, mut arguments, mut data) = (COUNT, [ptr::null_mut(); COUNT], ptr::null_mut::<c_void>());
    let mut integers = [-1; COUNT];
    // SAFETY: as in `call()`.
    let environment = unsafe {
        sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), &mut data);
        for (argument, integer) in arguments.iter().zip(&mut integers) {
            sys::napi_get_value_int32(env, *argument, integer);
        }
        data.cast::<Environment>().as_ref()
    };
    in_environment(environment, |environment| body(environment, integers))
}

/// Returns a number as a value of JavaScript.
fn number(env: sys::napi_env, result: i32) -> sys::napi_value {
    let mut value = ptr::null_mut();
    // SAFETY: the environment is current. (If it fails, the value stays null, which is undefined.)
    unsafe { sys::napi_create_int32(env, result, &mut value) };
    value
}

/// Returns `undefined` for success, which costs nothing to make, or a status.
fn failure(env: sys::napi_env, result: i32) -> sys::napi_value {
    if result == 0 { ptr::null_mut() } else { number(env, result) }
}

/// Returns what `body` returns for the arguments of a call: a descriptor, and a buffer.
///
/// # Safety
///
/// `env` and `info` are those of a running call of a function that [`fast_functions`] made.
unsafe fn transfer(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(i32, &mut [u8]) -> i32,
) -> sys::napi_value {
    let (mut count, mut arguments) = (2, [ptr::null_mut(); 2]);
    let (mut fd, mut data, mut length) = (-1, ptr::null_mut(), 0);
    // SAFETY: the caller's contract; a call that fails leaves its result as it is.
    let buffer = unsafe {
        sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), ptr::null_mut());
        sys::napi_get_value_int32(env, arguments[0], &mut fd);
        sys::napi_get_buffer_info(env, arguments[1], &mut data, &mut length);
        // The facade provides the buffer for this call, during which no other JavaScript runs here. (Other threads may
        // see shared memory, as in every system call on it.)
        if data.is_null() { &mut [] } else { std::slice::from_raw_parts_mut(data.cast::<u8>(), length) }
    };
    number(env, body(fd, buffer))
}

/// Returns what `body` returns for the arguments of a call: a socket, a buffer and an address.
///
/// # Safety
///
/// `env` and `info` are those of a running call of a function that [`fast_functions`] made.
unsafe fn exchange(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Environment, i32, &mut [u8], &mut [u8]) -> i32,
) -> sys::napi_value {
    let (mut count, mut arguments, mut state) = (3, [ptr::null_mut(); 3], ptr::null_mut::<c_void>());
    let (mut fd, mut address) = (-1, [0; ADDRESS_LENGTH]);
    let mut parts = [(ptr::null_mut::<c_void>(), 0_usize); 2];
    // SAFETY: the caller's contract; a call that fails leaves its result as it is. The data is the environment's state,
    // which outlives its functions.
    let environment = unsafe {
        sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), &mut state);
        sys::napi_get_value_int32(env, arguments[0], &mut fd);
        for (argument, (data, length)) in arguments[1..].iter().zip(&mut parts) {
            sys::napi_get_buffer_info(env, *argument, data, length);
        }
        state.cast::<Environment>().as_ref()
    };
    let [(data, length), (place, room)] = parts;
    // SAFETY: as in `transfer()`. The address is copied, so the buffer is the only one that is borrowed.
    let buffer = unsafe {
        if !place.is_null() && room >= ADDRESS_LENGTH {
            address.copy_from_slice(std::slice::from_raw_parts(place.cast::<u8>(), ADDRESS_LENGTH));
        }
        if data.is_null() { &mut [] } else { std::slice::from_raw_parts_mut(data.cast::<u8>(), length) }
    };
    let result = in_environment(environment, |environment| body(environment, fd, buffer, &mut address));
    if !place.is_null() && room >= ADDRESS_LENGTH {
        // SAFETY: the memory of the address is still there: no JavaScript has run.
        unsafe { ptr::copy_nonoverlapping(address.as_ptr(), place.cast::<u8>(), ADDRESS_LENGTH) };
    }
    number(env, result)
}

/// Declares a callback that passes on its arguments.
macro_rules! callback {
    ($name:ident, $count:literal, $answer:ident, $body:expr) => {
        unsafe extern "C" fn $name(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
            // SAFETY: called by Node, for a function that `fast_functions` made.
            $answer(env, unsafe { call::<$count>(env, info, $body) })
        }
    };
}

callback!(set_event, 1, failure, |environment, slot, _, _| event::set(environment, slot));
callback!(clear_event, 1, failure, |environment, slot, _, _| event::clear(environment, slot));
callback!(is_event_set, 1, number, |environment, slot, _, _| event::is_set(environment, slot));
callback!(wait_event, 2, number, |environment, slot, timeout, _| event::wait(environment, slot, timeout));
callback!(arm_event, 3, number, |environment, slot, reactor, entered| reactor::arm_event(
    environment,
    slot,
    reactor as u32,
    entered
));
callback!(hold_reactor, 1, failure, |environment, reactor, _, _| reactor::hold_reactor(environment, reactor));
callback!(take_ready, 2, number, |environment, poller, is_stale, _| poller::poll_ready(
    environment,
    poller,
    is_stale != 0.0
));
callback!(wait_ready, 2, number, |environment, poller, timeout, _| poller::wait_ready(environment, poller, timeout));
callback!(yield_thread, 0, failure, |_, _, _, _| {
    std::thread::yield_now();
    0
});

/// Declares a callback that passes on its arguments, all of them integers.
macro_rules! callback_with {
    ($name:ident, $count:literal, $answer:ident, $body:expr) => {
        unsafe extern "C" fn $name(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
            // SAFETY: called by Node, for a function that `fast_functions` made.
            $answer(env, unsafe { call_with::<$count>(env, info, $body) })
        }
    };
}

callback_with!(look_at_descriptor, 2, number, |_, [fd, interest]| select::look_at_descriptor(fd, interest));
callback_with!(watch_descriptor, 4, failure, |environment, [reactor, fd, token, interest]| {
    reactor::watch_descriptor(environment, reactor as u32, fd, token as u32, interest)
});
callback_with!(rearm_descriptor, 4, failure, |environment, [reactor, fd, token, interest]| {
    reactor::rearm_descriptor(environment, reactor as u32, fd, token as u32, interest)
});
callback_with!(unwatch_descriptor, 3, failure, |environment, [reactor, fd, token]| {
    reactor::unwatch_descriptor(environment, reactor as u32, fd, token as u32)
});

thread_local! {
    /// Where the first look of this thread was.
    static FIRST_POSITION: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Returns where its own frame is, in words from the first look: less is nearer to the end of the thread's stack. A
/// small integer costs no allocation.
unsafe extern "C" fn stack_position(env: sys::napi_env, _info: sys::napi_callback_info) -> sys::napi_value {
    let mut value: sys::napi_value = ptr::null_mut();
    let position = ptr::from_ref(&value).addr();
    let first = FIRST_POSITION.get().unwrap_or_else(|| {
        FIRST_POSITION.set(Some(position));
        position
    });
    let words = (position.wrapping_sub(first) as isize / size_of::<usize>() as isize) as i32;
    // SAFETY: the environment is current. (If it fails, the value stays null, which is undefined.)
    unsafe { sys::napi_create_int32(env, words, &mut value) };
    value
}

unsafe extern "C" fn read_descriptor(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node, for a function that `fast_functions` made.
    unsafe { transfer(env, info, descriptor::read) }
}

unsafe extern "C" fn write_descriptor(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: as above.
    unsafe { transfer(env, info, |fd, data| descriptor::write(fd, data)) }
}

unsafe extern "C" fn receive_datagram(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: as above.
    unsafe { exchange(env, info, datagram::receive) }
}

unsafe extern "C" fn send_datagram(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: as above.
    unsafe { exchange(env, info, |environment, fd, data, receiver| datagram::send(environment, fd, data, receiver)) }
}

const FUNCTIONS: [(&CStr, Callback); 18] = [
    (c"setEvent", set_event),
    (c"clearEvent", clear_event),
    (c"isEventSet", is_event_set),
    (c"waitEvent", wait_event),
    (c"armEvent", arm_event),
    (c"holdReactor", hold_reactor),
    (c"lookAtDescriptor", look_at_descriptor),
    (c"readDescriptor", read_descriptor),
    (c"rearmDescriptor", rearm_descriptor),
    (c"receiveDatagram", receive_datagram),
    (c"sendDatagram", send_datagram),
    (c"stackPosition", stack_position),
    (c"takeReady", take_ready),
    (c"unwatchDescriptor", unwatch_descriptor),
    (c"waitReady", wait_ready),
    (c"watchDescriptor", watch_descriptor),
    (c"writeDescriptor", write_descriptor),
    (c"yieldThread", yield_thread),
];

/// Makes the functions of this file, for one environment, which has been initialised.
#[napi(ts_return_type = "{
  /** Sets the event in `slot`. */
  setEvent(slot: number): number | undefined
  /** Clears the event in `slot`. */
  clearEvent(slot: number): number | undefined
  /** Returns whether the event in `slot` is set: 1 or 0. */
  isEventSet(slot: number): number
  /** Blocks until the event in `slot` is set (1) or `timeout` milliseconds have passed (0). */
  waitEvent(slot: number, timeout: number): number
  /**
   * Has `reactor` report when the event in `slot` is set, for waits that began when its state word was `entered`.
   * Returns 1 when it has been set since, 0 when it is armed.
   */
  armEvent(slot: number, reactor: number, entered: number): number
  /** Has the reactor keep the process alive while its batch has holders. */
  holdReactor(reactor: number): number | undefined
  /** Returns what a descriptor is ready for now, as flags. */
  lookAtDescriptor(fd: number, interest: number): number
  /** Reads into `buffer`. Returns the count, 0 at the end of the file. */
  readDescriptor(fd: number, buffer: Uint8Array): number
  /**
   * Has the reactor report once more that a descriptor is ready. ENOENT when the number is not the descriptor any more
   * that `watchDescriptor()` added under `token`.
   */
  rearmDescriptor(reactor: number, fd: number, token: number, interest: number): number | undefined
  /**
   * Receives one datagram into `buffer`, and writes its sender. Returns the count, with bit 30 when the datagram was
   * longer than the buffer.
   */
  receiveDatagram(fd: number, buffer: Uint8Array, sender: Uint8Array): number
  /** Sends one datagram. Returns its length. */
  sendDatagram(fd: number, data: Uint8Array, receiver: Uint8Array): number
  /** Returns how far the stack has grown: the lower the number, the further. */
  stackPosition(): number
  /**
   * Moves what is ready into the poller's batch. Returns the count, with bit 30 when the alarm has expired. What was
   * polled in the same turn counts as ready, unless `isStale`, 1 or 0, says that something has happened since.
   */
  takeReady(poller: number, isStale: number): number
  /** Undoes `watchDescriptor()`. */
  unwatchDescriptor(reactor: number, fd: number, token: number): number | undefined
  /** Blocks until something is ready or `timeout` milliseconds have passed, then does the same as `takeReady()`. */
  waitReady(poller: number, timeout: number): number
  /**
   * Has the reactor report once, under `token`, that a descriptor is ready: for `interest`, or for a hang-up or an
   * error. ENOTSUP for a descriptor whose readiness is gone once it was polled: the reactor would poll it twice.
   * Returns 1 if it has a duplicate: that one stays when the user closes the descriptor.
   */
  watchDescriptor(reactor: number, fd: number, token: number, interest: number): number | undefined
  /** Writes what fits of `data`. Returns the count. */
  writeDescriptor(fd: number, data: Uint8Array): number
  /** Lets the other threads of this core run first. */
  yieldThread(): number | undefined
}")]
pub fn fast_functions(env: Env) -> napi::Result<Object<'static>> {
    let object = Object::new(&env)?;
    let environment = Environment::of(&env).map_or(ptr::null(), ptr::from_ref);
    for (name, callback) in FUNCTIONS {
        let mut function = ptr::null_mut();
        // SAFETY: the environment is current, the name ends with a NUL, and the data outlives the function.
        unsafe {
            sys::napi_create_function(
                env.raw(),
                name.as_ptr(),
                name.count_bytes() as isize,
                Some(callback),
                environment.cast_mut().cast(),
                &mut function,
            );
            sys::napi_set_named_property(env.raw(), object.raw(), name.as_ptr(), function);
        }
    }
    Ok(object)
}
