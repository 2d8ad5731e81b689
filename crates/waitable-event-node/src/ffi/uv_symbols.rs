//! The few libuv functions that are used, found at run time.
//!
//! Node exports libuv's symbols from its executable. They are looked up by name, so that the addon loads where they are
//! missing. The sizes of libuv's structures are queried, never assumed. That the symbols are there does not mean that
//! they work (Bun exports them and aborts when one is called): the facade decides by the runtime's name whether this
//! file is used at all.

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::ptr;
use std::sync::OnceLock;

use napi::sys;

/// `uv_loop_t`.
pub type Loop = c_void;
/// `uv_handle_t` and `uv_poll_t`.
pub type Handle = c_void;
/// `uv_poll_cb`.
pub type PollCallback = unsafe extern "C" fn(handle: *mut Handle, status: c_int, events: c_int);
/// `uv_close_cb`.
pub type CloseCallback = unsafe extern "C" fn(handle: *mut Handle);

/// `uv_async_cb`.
pub type AsyncCallback = unsafe extern "C" fn(handle: *mut Handle);
/// `uv_walk_cb`.
pub type WalkCallback = unsafe extern "C" fn(handle: *mut Handle, argument: *mut c_void);
/// `uv_signal_cb`.
pub type SignalCallback = unsafe extern "C" fn(handle: *mut Handle, number: c_int);

/// Enough for any member of libuv's structures.
pub const ALIGNMENT: usize = 16;
/// `UV_ASYNC` and others of `uv_handle_type`, the same since libuv 0.x.
pub const ASYNC: c_int = 1;
/// See [`ASYNC`].
pub const CHECK: c_int = 2;
/// See [`ASYNC`].
pub const IDLE: c_int = 6;
/// See [`ASYNC`].
pub const PREPARE: c_int = 9;
/// See [`ASYNC`].
pub const TIMER: c_int = 13;
/// See [`ASYNC`].
pub const SIGNAL: c_int = 16;
/// `UV_RUN_DEFAULT` of `uv_run_mode`.
pub const RUN_DEFAULT: c_int = 0;
/// `UV_POLL` of `uv_handle_type`, the same since libuv 0.x.
pub const POLL: c_int = 8;
/// `UV_READABLE` of `uv_poll_event`.
pub const READABLE: c_int = 1;

/// Declares the table and its loader from one list of names and signatures.
macro_rules! table {
    ($($name:ident: $signature:ty = $symbol:literal,)*) => {
        /// The functions.
        #[derive(Debug)]
        pub struct UvSymbols {
            $(pub $name: $signature,)*
        }

        impl UvSymbols {
            fn resolve() -> Option<UvSymbols> {
                Some(UvSymbols {
                    $($name: {
                        let address = symbol($symbol)?;
                        // SAFETY: the signature is the one libuv documents for that symbol.
                        unsafe { std::mem::transmute::<*mut c_void, $signature>(address) }
                    },)*
                })
            }
        }
    };
}

table! {
    version: unsafe extern "C" fn() -> c_uint = c"uv_version",
    backend_fd: unsafe extern "C" fn(*const Loop) -> c_int = c"uv_backend_fd",
    handle_size: unsafe extern "C" fn(c_int) -> usize = c"uv_handle_size",
    handle_get_type: unsafe extern "C" fn(*const Handle) -> c_int = c"uv_handle_get_type",
    handle_set_data: unsafe extern "C" fn(*mut Handle, *mut c_void) = c"uv_handle_set_data",
    handle_get_data: unsafe extern "C" fn(*const Handle) -> *mut c_void = c"uv_handle_get_data",
    poll_init: unsafe extern "C" fn(*mut Loop, *mut Handle, c_int) -> c_int = c"uv_poll_init",
    poll_start: unsafe extern "C" fn(*mut Handle, c_int, PollCallback) -> c_int = c"uv_poll_start",
    poll_stop: unsafe extern "C" fn(*mut Handle) -> c_int = c"uv_poll_stop",
    reference: unsafe extern "C" fn(*mut Handle) = c"uv_ref",
    unreference: unsafe extern "C" fn(*mut Handle) = c"uv_unref",
    close: unsafe extern "C" fn(*mut Handle, CloseCallback) = c"uv_close",
    loop_size: unsafe extern "C" fn() -> usize = c"uv_loop_size",
    loop_init: unsafe extern "C" fn(*mut Loop) -> c_int = c"uv_loop_init",
    loop_close: unsafe extern "C" fn(*mut Loop) -> c_int = c"uv_loop_close",
    walk: unsafe extern "C" fn(*mut Loop, WalkCallback, *mut c_void) = c"uv_walk",
    run: unsafe extern "C" fn(*mut Loop, c_int) -> c_int = c"uv_run",
    async_init: unsafe extern "C" fn(*mut Loop, *mut Handle, AsyncCallback) -> c_int = c"uv_async_init",
    async_send: unsafe extern "C" fn(*mut Handle) -> c_int = c"uv_async_send",
    signal_init: unsafe extern "C" fn(*mut Loop, *mut Handle) -> c_int = c"uv_signal_init",
    signal_start: unsafe extern "C" fn(*mut Handle, SignalCallback, c_int) -> c_int = c"uv_signal_start",
    signal_stop: unsafe extern "C" fn(*mut Handle) -> c_int = c"uv_signal_stop",
}

/// Returns the address of what the process exports by this name.
pub fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: searches the loaded objects for a NUL-terminated name.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then_some(address)
}

impl UvSymbols {
    /// Returns the functions, or `None` when the process does not export all of them.
    pub fn get() -> Option<&'static UvSymbols> {
        static SYMBOLS: OnceLock<Option<UvSymbols>> = OnceLock::new();
        SYMBOLS.get_or_init(UvSymbols::resolve).as_ref()
    }
}

/// The libuv loop of an environment, and the functions to use on it.
#[derive(Clone, Copy)]
pub struct UvLoop {
    /// The functions.
    pub symbols: &'static UvSymbols,
    /// The loop, which lives as long as the environment.
    pub raw: *mut Loop,
}

impl UvLoop {
    /// Returns the loop of `env`, or `None` when libuv's functions are missing.
    ///
    /// # Safety
    ///
    /// `env` is current on this thread.
    pub unsafe fn of(env: sys::napi_env) -> Option<UvLoop> {
        let symbols = UvSymbols::get()?;
        let mut uv_loop = ptr::null_mut();
        // SAFETY: the caller's contract.
        let status = unsafe { sys::napi_get_uv_event_loop(env, &mut uv_loop) };
        (status == sys::Status::napi_ok && !uv_loop.is_null()).then_some(UvLoop { symbols, raw: uv_loop.cast() })
    }

    /// Returns the descriptor that is readable while the loop has something to do.
    ///
    /// # Safety
    ///
    /// The environment of the loop is current on this thread.
    pub unsafe fn backend_fd(self) -> c_int {
        // SAFETY: the caller's contract: the loop lives.
        unsafe { (self.symbols.backend_fd)(self.raw) }
    }
}
