//! The few libuv functions that are used, found at run time.
//!
//! Node exports libuv's symbols from its executable. They are looked up by name, so that the addon
//! loads where they are missing; the sizes of libuv's structures are asked for, never assumed. That the symbols
//! are there does not mean they work (Bun exports them and aborts when one is called): the facade
//! decides by the runtime's name whether this file is used at all.

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

/// `uv_loop_t`.
pub type Loop = c_void;
/// `uv_handle_t` and `uv_poll_t`.
pub type Handle = c_void;
/// `uv_poll_cb`.
pub type PollCallback = unsafe extern "C" fn(handle: *mut Handle, status: c_int, events: c_int);
/// `uv_close_cb`.
pub type CloseCallback = unsafe extern "C" fn(handle: *mut Handle);

/// `UV_POLL` of `uv_handle_type`, the same since libuv 0.x.
pub const POLL: c_int = 8;
/// `UV_READABLE` of `uv_poll_event`.
pub const READABLE: c_int = 1;

/// Declares the table and its loader from one list of names and signatures.
macro_rules! table {
    ($($name:ident: $signature:ty = $symbol:literal,)*) => {
        /// The functions.
        #[derive(Debug)]
        pub struct Functions {
            $(pub $name: $signature,)*
        }

        impl Functions {
            fn resolve() -> Option<Functions> {
                Some(Functions {
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
    backend_fd: unsafe extern "C" fn(*const Loop) -> c_int = c"uv_backend_fd",
    handle_size: unsafe extern "C" fn(c_int) -> usize = c"uv_handle_size",
    handle_set_data: unsafe extern "C" fn(*mut Handle, *mut c_void) = c"uv_handle_set_data",
    handle_get_data: unsafe extern "C" fn(*const Handle) -> *mut c_void = c"uv_handle_get_data",
    poll_init: unsafe extern "C" fn(*mut Loop, *mut Handle, c_int) -> c_int = c"uv_poll_init",
    poll_start: unsafe extern "C" fn(*mut Handle, c_int, PollCallback) -> c_int = c"uv_poll_start",
    poll_stop: unsafe extern "C" fn(*mut Handle) -> c_int = c"uv_poll_stop",
    reference: unsafe extern "C" fn(*mut Handle) = c"uv_ref",
    unreference: unsafe extern "C" fn(*mut Handle) = c"uv_unref",
    close: unsafe extern "C" fn(*mut Handle, CloseCallback) = c"uv_close",
}

fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: a look-up by a NUL-terminated name among what is loaded.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then_some(address)
}

/// The functions, or `None` when the process does not export all of them.
pub fn functions() -> Option<&'static Functions> {
    static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
    FUNCTIONS.get_or_init(Functions::resolve).as_ref()
}
