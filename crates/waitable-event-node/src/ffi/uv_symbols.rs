//! The few libuv functions that are used, found at run time.
//!
//! Node exports libuv's symbols from its executable. They are looked up by name, so that the addon loads where they are
//! missing. The sizes of libuv's structures are queried, never assumed. That the symbols are there does not mean that
//! they work (Bun exports them and aborts when one is called): the facade decides by the runtime's name whether this
//! file is used at all.

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::io;
use std::ptr;
use std::sync::OnceLock;

use napi::sys;
use waitable_event::sys::Interrupter;
#[cfg(windows)]
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};

/// `uv_loop_t`.
pub type Loop = c_void;
/// `uv_handle_t` and `uv_poll_t`.
pub type Handle = c_void;
/// `uv_fs_t`.
#[cfg(windows)]
pub type Request = c_void;
/// `uv_fs_cb`.
#[cfg(windows)]
pub type RequestCallback = unsafe extern "C" fn(request: *mut Request);
/// `uv_poll_cb`.
#[cfg(unix)]
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
/// `UV_FS` of `uv_req_type`, the same since libuv 0.x.
#[cfg(windows)]
pub const FS: c_int = 6;
/// `UV_POLL` of `uv_handle_type`, the same since libuv 0.x.
#[cfg(unix)]
pub const POLL: c_int = 8;
/// `UV_READABLE` of `uv_poll_event`.
#[cfg(unix)]
pub const READABLE: c_int = 1;

/// Declares the table and its loader from one list of names and signatures.
macro_rules! table {
    ($($(#[$condition:meta])? $name:ident: $signature:ty = $symbol:literal,)*) => {
        /// The functions.
        #[derive(Debug)]
        pub struct UvSymbols {
            $($(#[$condition])? pub $name: $signature,)*
        }

        impl UvSymbols {
            fn resolve() -> Option<UvSymbols> {
                Some(UvSymbols {
                    $($(#[$condition])? $name: {
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
    #[cfg(unix)]
    backend_fd: unsafe extern "C" fn(*const Loop) -> c_int = c"uv_backend_fd",
    handle_size: unsafe extern "C" fn(c_int) -> usize = c"uv_handle_size",
    handle_get_type: unsafe extern "C" fn(*const Handle) -> c_int = c"uv_handle_get_type",
    handle_set_data: unsafe extern "C" fn(*mut Handle, *mut c_void) = c"uv_handle_set_data",
    handle_get_data: unsafe extern "C" fn(*const Handle) -> *mut c_void = c"uv_handle_get_data",
    #[cfg(unix)]
    poll_init: unsafe extern "C" fn(*mut Loop, *mut Handle, c_int) -> c_int = c"uv_poll_init",
    #[cfg(unix)]
    poll_start: unsafe extern "C" fn(*mut Handle, c_int, PollCallback) -> c_int = c"uv_poll_start",
    #[cfg(unix)]
    poll_stop: unsafe extern "C" fn(*mut Handle) -> c_int = c"uv_poll_stop",
    #[cfg(unix)]
    reference: unsafe extern "C" fn(*mut Handle) = c"uv_ref",
    #[cfg(unix)]
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
    #[cfg(windows)]
    open_osfhandle: unsafe extern "C" fn(*mut c_void) -> c_int = c"uv_open_osfhandle",
    #[cfg(windows)]
    get_osfhandle: unsafe extern "C" fn(c_int) -> *mut c_void = c"uv_get_osfhandle",
    #[cfg(windows)]
    req_size: unsafe extern "C" fn(c_int) -> usize = c"uv_req_size",
    #[cfg(windows)]
    fs_close: unsafe extern "C" fn(*mut Loop, *mut Request, c_int, Option<RequestCallback>) -> c_int = c"uv_fs_close",
    #[cfg(windows)]
    fs_req_cleanup: unsafe extern "C" fn(*mut Request) = c"uv_fs_req_cleanup",
}

/// Returns the address of what the process exports by this name.
pub fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: searches the loaded objects for a NUL-terminated name.
    #[cfg(unix)]
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: searches the program, which exports Node's functions, for a NUL-terminated name.
    #[cfg(windows)]
    let address = unsafe {
        let program = GetModuleHandleW(ptr::null());
        GetProcAddress(program, name.as_ptr().cast()).map_or(ptr::null_mut(), |function| function as *mut c_void)
    };
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
    #[cfg(unix)]
    pub unsafe fn backend_fd(self) -> c_int {
        // SAFETY: the caller's contract: the loop lives.
        unsafe { (self.symbols.backend_fd)(self.raw) }
    }

    /// Returns how a blocked thread is to sleep, so that what comes for the loop ends its sleep. Where the loop has
    /// nothing for that, the sleeper looks at intervals.
    ///
    /// # Safety
    ///
    /// The environment of the loop is current on this thread.
    #[cfg(unix)]
    pub unsafe fn interrupter(self) -> io::Result<Interrupter> {
        // SAFETY: the caller's contract.
        Interrupter::with_loop(unsafe { self.backend_fd() })
    }

    /// Returns how a blocked thread is to sleep, so that what comes for the loop ends its sleep. Where the loop has
    /// nothing for that, the sleeper looks at intervals.
    ///
    /// The completion port of the loop is `uv_loop_t.iocp`, a public field of `uv.h`. It is there if the structure has
    /// the size that it has had since libuv 1.x, and if its value is a port.
    ///
    /// # Safety
    ///
    /// The environment of the loop is current on this thread.
    #[cfg(windows)]
    pub unsafe fn interrupter(self) -> io::Result<Interrupter> {
        const LOOP_SIZE: usize = 472;
        const PORT: usize = 56;
        // SAFETY: the functions take no arguments.
        let (major, size) = unsafe { ((self.symbols.version)() >> 16, (self.symbols.loop_size)()) };
        if cfg!(target_pointer_width = "64") && major == 1 && size == LOOP_SIZE {
            // SAFETY: the field is within the loop, which lives.
            let port: usize = unsafe { self.raw.byte_add(PORT).cast::<usize>().read() };
            if let Ok(interrupter) = Interrupter::with_loop(port) {
                return Ok(interrupter);
            }
        }
        Interrupter::new()
    }
}
