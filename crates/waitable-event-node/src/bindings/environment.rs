//! The start of an environment.

use std::ptr;

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue, sys};
use napi_derive::napi;

use crate::environment::Environment;
use crate::ffi::errno;
use crate::ffi::int32_array::int32_array;
use crate::ffi::v8_symbols;

/// Prepares the environment. `probe` is a function that does nothing. `is_unannounced` returns whether another thread
/// may end the code that is running without the event loop showing it. `uses_uv` says that this runtime's libuv can be
/// used. Returns a status.
///
/// A second copy of the facade in the same environment (a test runner that loads it once for each test file) finds it
/// prepared and shares it.
#[napi]
pub fn initialize(env: Env, probe: Unknown<'_>, is_unannounced: Unknown<'_>, uses_uv: bool) -> i32 {
    // SAFETY: the values are arguments of the running call.
    unsafe { Environment::initialize(&env, probe.raw(), is_unannounced.raw(), uses_uv) }
}

/// Calls `body`, and has `mark[0]` be 1 meanwhile. It is 0 again however `body` ends: a timeout of `node:vm` ends
/// JavaScript without running its `finally`. `mark` is an `Int32Array` over a `SharedArrayBuffer`. Returns a status.
#[napi]
pub fn call_marked(env: Env, body: Unknown<'_>, mark: Unknown<'_>) -> i32 {
    // SAFETY: an argument of the running call.
    let Some((memory, 1..)) = (unsafe { int32_array(env.raw(), mark.raw()) }) else {
        return -errno::EINVAL;
    };
    // SAFETY: the array has an element, and the running call holds it. Its memory is shared memory, which does not
    // move, and which this thread alone uses.
    let set = |value| unsafe { memory.write(value) };
    let (mut receiver, mut result) = (ptr::null_mut(), ptr::null_mut());
    set(1);
    // SAFETY: the environment is current, `body` is a live value, and the results are ours. An exception stays pending
    // and is thrown when this function returns.
    unsafe {
        sys::napi_get_undefined(env.raw(), &mut receiver);
        sys::napi_call_function(env.raw(), receiver, body.raw(), 0, ptr::null(), &mut result);
    }
    set(0);
    0
}

/// Returns 1 when the calling thread runs the job of a promise, 0 when it does not, and -1 when that is not known.
#[napi]
pub fn is_running_microtasks() -> i32 {
    // SAFETY: called from JavaScript.
    unsafe { v8_symbols::is_running_microtasks() }.map_or(-1, i32::from)
}
