//! The least that an addon needs to wake Node's event loop: `uv_async_send()`, called by way of plain C. There is no
//! wrapper of Node-API and no threadsafe function. The benchmarks alone use it, on Linux.
//!
//! `open(function)` returns a number. `send(number)` has the function called in the event loop of the thread that
//! opened it, from any thread. `process.dlopen()` of it is also what an empty addon costs.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

type Env = *mut c_void;
type Value = *mut c_void;
type Info = *mut c_void;
type Reference = *mut c_void;
type Scope = *mut c_void;
type Async = *mut c_void;
type Callback = unsafe extern "C" fn(env: Env, info: Info) -> Value;

unsafe extern "C" {
    fn napi_create_function(
        env: Env,
        name: *const c_char,
        length: usize,
        callback: Callback,
        data: *mut c_void,
        result: *mut Value,
    ) -> c_int;
    fn napi_set_named_property(env: Env, object: Value, name: *const c_char, value: Value) -> c_int;
    fn napi_get_cb_info(
        env: Env,
        info: Info,
        count: *mut usize,
        arguments: *mut Value,
        this: *mut Value,
        data: *mut *mut c_void,
    ) -> c_int;
    fn napi_create_reference(env: Env, value: Value, count: u32, result: *mut Reference) -> c_int;
    fn napi_get_reference_value(env: Env, reference: Reference, result: *mut Value) -> c_int;
    fn napi_create_uint32(env: Env, value: u32, result: *mut Value) -> c_int;
    fn napi_get_value_uint32(env: Env, value: Value, result: *mut u32) -> c_int;
    fn napi_get_global(env: Env, result: *mut Value) -> c_int;
    fn napi_open_handle_scope(env: Env, result: *mut Scope) -> c_int;
    fn napi_close_handle_scope(env: Env, scope: Scope) -> c_int;
    fn napi_make_callback(
        env: Env,
        context: *mut c_void,
        receiver: Value,
        function: Value,
        count: usize,
        arguments: *const Value,
        result: *mut Value,
    ) -> c_int;
    fn napi_get_uv_event_loop(env: Env, result: *mut *mut c_void) -> c_int;
    fn uv_handle_size(kind: c_int) -> usize;
    fn uv_async_init(event_loop: *mut c_void, handle: Async, callback: unsafe extern "C" fn(Async)) -> c_int;
    fn uv_async_send(handle: Async) -> c_int;
    fn uv_handle_set_data(handle: Async, data: *mut c_void);
    fn uv_handle_get_data(handle: Async) -> *mut c_void;
}

/// `UV_ASYNC` of `uv_handle_type`.
const ASYNC: c_int = 1;

/// Enough for any member of libuv's structures.
const ALIGNMENT: usize = 16;

/// How many functions can be opened.
const MOST: usize = 64;

/// The handles by their numbers. They live as long as the process, which the benchmarks kill.
static HANDLES: [AtomicPtr<c_void>; MOST] = [const { AtomicPtr::new(ptr::null_mut()) }; MOST];
static OPENED: AtomicUsize = AtomicUsize::new(0);

/// What a handle calls.
struct Target {
    env: Env,
    function: Reference,
}

/// Returns the only argument of a call.
///
/// # Safety
///
/// `env` and `info` are those of a call that Node is making.
unsafe fn argument(env: Env, info: Info) -> Value {
    let mut count = 1;
    let mut value = ptr::null_mut();
    // SAFETY: the places are valid for one argument; the last two are optional.
    unsafe { napi_get_cb_info(env, info, &mut count, &mut value, ptr::null_mut(), ptr::null_mut()) };
    value
}

/// Opens a function, and returns its number; undefined if there are too many.
unsafe extern "C" fn open(env: Env, info: Info) -> Value {
    let mut function = ptr::null_mut();
    let mut event_loop = ptr::null_mut();
    // SAFETY: Node calls this with its own `env` and `info`, and the places are valid.
    unsafe {
        napi_create_reference(env, argument(env, info), 1, &mut function);
        napi_get_uv_event_loop(env, &mut event_loop);
    }
    let number = OPENED.fetch_add(1, Ordering::Relaxed);
    let Some(place) = HANDLES.get(number) else {
        return ptr::null_mut();
    };
    // SAFETY: a query without conditions.
    let size = unsafe { uv_handle_size(ASYNC) };
    let Ok(layout) = Layout::from_size_align(size, ALIGNMENT) else {
        return ptr::null_mut();
    };
    // SAFETY: libuv's structures are not empty.
    let handle: Async = unsafe { alloc_zeroed(layout) }.cast();
    if handle.is_null() {
        handle_alloc_error(layout);
    }
    let target = Box::into_raw(Box::new(Target { env, function }));
    let mut result = ptr::null_mut();
    // SAFETY: the handle has the size and alignment that libuv wants, this is the thread of the loop, and neither the
    // handle nor the target is freed.
    unsafe {
        uv_async_init(event_loop, handle, arrived);
        uv_handle_set_data(handle, target.cast());
        place.store(handle, Ordering::Release);
        napi_create_uint32(env, number as u32, &mut result);
    }
    result
}

/// Has a function called in its thread.
unsafe extern "C" fn send(env: Env, info: Info) -> Value {
    let mut number = 0;
    // SAFETY: Node calls this with its own `env` and `info`, and the place is valid.
    unsafe { napi_get_value_uint32(env, argument(env, info), &mut number) };
    let handle = HANDLES.get(number as usize).map_or(ptr::null_mut(), |place| place.load(Ordering::Acquire));
    if !handle.is_null() {
        // SAFETY: the handle is initialised and never closed; any thread may call this.
        unsafe { uv_async_send(handle) };
    }
    ptr::null_mut()
}

/// Runs in the event loop. `napi_make_callback()` also runs what promises wait for, as every addon has to.
unsafe extern "C" fn arrived(handle: Async) {
    // SAFETY: `open()` has stored a target that lives forever.
    let target = unsafe { &*uv_handle_get_data(handle).cast::<Target>() };
    let env = target.env;
    let (mut scope, mut function, mut global, mut result) =
        (ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: this is the thread of `env`, outside of JavaScript, and the reference is never deleted.
    unsafe {
        napi_open_handle_scope(env, &mut scope);
        napi_get_reference_value(env, target.function, &mut function);
        napi_get_global(env, &mut global);
        napi_make_callback(env, ptr::null_mut(), global, function, 0, ptr::null(), &mut result);
        napi_close_handle_scope(env, scope);
    }
}

/// Adds a function to the exports.
///
/// # Safety
///
/// `env` and `exports` are those of a registration that Node is making.
unsafe fn export(env: Env, exports: Value, name: &CStr, callback: Callback) {
    let mut function = ptr::null_mut();
    let length = name.count_bytes();
    // SAFETY: the name and the place are valid.
    unsafe {
        napi_create_function(env, name.as_ptr(), length, callback, ptr::null_mut(), &mut function);
        napi_set_named_property(env, exports, name.as_ptr(), function);
    }
}

/// Registers the addon, in each thread that loads it.
///
/// # Safety
///
/// Node alone calls this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn napi_register_module_v1(env: Env, exports: Value) -> Value {
    // SAFETY: Node calls this with its own `env` and `exports`.
    unsafe {
        export(env, exports, c"open", open);
        export(env, exports, c"send", send);
    }
    exports
}
