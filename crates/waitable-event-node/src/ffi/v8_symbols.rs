//! The one function of V8 that is used, found at run time: Node-API does not say whether a promise's job is running.

use std::ffi::{CStr, c_void};
use std::sync::OnceLock;

use crate::ffi::uv_symbols::symbol;

type GetCurrent = unsafe extern "C" fn() -> *mut c_void;
type IsRunningMicrotasks = unsafe extern "C" fn(*mut c_void) -> bool;

/// Returns whether the calling thread runs the job of a promise. `None` when the process does not export V8's
/// functions.
///
/// # Safety
///
/// An environment is current on this thread.
pub unsafe fn is_running_microtasks() -> Option<bool> {
    static SYMBOLS: OnceLock<Option<(GetCurrent, IsRunningMicrotasks)>> = OnceLock::new();
    let (get_current, is_running) = (*SYMBOLS.get_or_init(resolve))?;
    // SAFETY: the caller's contract: the thread has an isolate, and has entered it.
    unsafe {
        let isolate = get_current();
        (!isolate.is_null()).then(|| is_running(isolate))
    }
}

#[cfg(not(windows))]
const GET_CURRENT: &CStr = c"_ZN2v87Isolate10GetCurrentEv";
#[cfg(not(windows))]
const IS_RUNNING_MICROTASKS: &CStr = c"_ZN2v815MicrotasksScope19IsRunningMicrotasksEPNS_7IsolateE";
#[cfg(windows)]
const GET_CURRENT: &CStr = c"?GetCurrent@Isolate@v8@@SAPEAV12@XZ";
#[cfg(windows)]
const IS_RUNNING_MICROTASKS: &CStr = c"?IsRunningMicrotasks@MicrotasksScope@v8@@SA_NPEAVIsolate@2@@Z";

/// Looks up `v8::Isolate::GetCurrent()` and `v8::MicrotasksScope::IsRunningMicrotasks(v8::Isolate*)`. Both are static
/// functions of V8's public interface, which C can call.
fn resolve() -> Option<(GetCurrent, IsRunningMicrotasks)> {
    let get_current = symbol(GET_CURRENT)?;
    let is_running = symbol(IS_RUNNING_MICROTASKS)?;
    // SAFETY: the names contain the parameters, and the declarations of V8 the results.
    Some(unsafe {
        (
            std::mem::transmute::<*mut c_void, GetCurrent>(get_current),
            std::mem::transmute::<*mut c_void, IsRunningMicrotasks>(is_running),
        )
    })
}
