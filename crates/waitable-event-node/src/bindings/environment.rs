//! The start of an environment.

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue};
use napi_derive::napi;

use crate::environment::Environment;

/// Prepares the environment. `probe` is a function that does nothing, `uses_uv` says that this runtime's libuv can be
/// used. Returns a status.
///
/// A second copy of the facade in the same environment (a test runner that loads it once for each test file) finds it
/// prepared and shares it.
#[napi]
pub fn initialize(env: Env, probe: Unknown<'_>, uses_uv: bool) -> i32 {
    // SAFETY: the value is an argument of the running call.
    unsafe { Environment::initialize(&env, probe.raw(), uses_uv) }
}
