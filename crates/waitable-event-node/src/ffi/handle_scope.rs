//! Handle scopes, which end the life of the JavaScript values that were made in them.

use std::ptr;

use napi::sys;

/// Runs `body` in a handle scope of its own, so that values made in it do not accumulate.
///
/// # Safety
///
/// `env` is current on this thread.
pub unsafe fn in_handle_scope<T>(env: sys::napi_env, body: impl FnOnce() -> T) -> T {
    let mut scope = ptr::null_mut();
    // SAFETY: the caller's contract; a scope that was not opened is not closed.
    let is_open = unsafe { sys::napi_open_handle_scope(env, &mut scope) } == sys::Status::napi_ok;
    let result = body();
    if is_open {
        // SAFETY: opened above, and the scopes that `body` opened are closed by now.
        unsafe { sys::napi_close_handle_scope(env, scope) };
    }
    result
}
