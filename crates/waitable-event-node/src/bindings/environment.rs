//! The start of an environment.

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue};
use napi_derive::napi;

use crate::environment::Environment;

/// Prepares the environment. `probe` is a function that does nothing. `is_unannounced` returns whether another thread may
/// end the code that is running without the event loop showing it. `uses_uv` says that this runtime's libuv can be used.
/// Returns a status.
///
/// A second copy of the facade in the same environment (a test runner that loads it once for each test file) finds it
/// prepared and shares it.
#[napi]
pub fn initialize(env: Env, probe: Unknown<'_>, is_unannounced: Unknown<'_>, uses_uv: bool) -> i32 {
    // SAFETY: the values are arguments of the running call.
    unsafe { Environment::initialize(&env, probe.raw(), is_unannounced.raw(), uses_uv) }
}
