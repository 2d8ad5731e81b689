//! The driver for Node: one `uv_poll_t` on the reactor's descriptor.
//!
//! libuv owns the handle from `uv_poll_init` until its close callback. An environment that ends with an open handle
//! aborts the process. So an asynchronous cleanup hook closes the handle, and Node waits for that.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ffi::{c_int, c_void};
use std::io;
use std::ptr;
use std::rc::Rc;

use napi::sys;
use waitable_event::sys::{AsFileno, join_loop};

use super::on_readable::OnReadable;
use crate::ffi::errno;
use crate::ffi::uv_symbols::{ALIGNMENT, Handle, POLL, READABLE, UvLoop, UvSymbols};

/// The started driver.
pub struct UvDriver {
    symbols: &'static UvSymbols,
    handle: *mut Handle,
}

/// What the handle's data points to. Freed in the close callback.
struct Attachment {
    symbols: &'static UvSymbols,
    /// Its descriptor is open for as long as libuv may touch it.
    listener: Rc<dyn OnReadable>,
    layout: Layout,
    cleanup: sys::napi_async_cleanup_hook_handle,
}

impl UvDriver {
    /// Starts polling. The handle does not keep the process alive until [`UvDriver::hold`] says so.
    ///
    /// # Safety
    ///
    /// `env` is current on this thread, and `uv` is its loop.
    pub unsafe fn start(env: sys::napi_env, uv: UvLoop, listener: Rc<dyn OnReadable>) -> io::Result<UvDriver> {
        let UvLoop { symbols, raw: uv_loop } = uv;
        let fd = listener.as_fd().as_raw_fd();
        // SAFETY: returns a size; POLL is a handle type of every libuv.
        let size = unsafe { (symbols.handle_size)(POLL) };
        let layout = Layout::from_size_align(size, ALIGNMENT).map_err(io::Error::other)?;
        if size == 0 {
            return Err(errno::error(errno::ENOSYS));
        }
        // SAFETY: the layout is not empty.
        let handle: *mut Handle = unsafe { alloc_zeroed(layout) }.cast();
        if handle.is_null() {
            return Err(errno::error(errno::ENOMEM));
        }
        // SAFETY: memory of libuv's own size, the loop of this thread, a descriptor that `listener` keeps open.
        let status = unsafe { (symbols.poll_init)(uv_loop, handle, fd) };
        if status != 0 {
            // SAFETY: allocated above with this layout; libuv does not use it.
            unsafe { dealloc(handle.cast(), layout) };
            return Err(io::Error::from_raw_os_error(-status));
        }
        let attachment = Box::into_raw(Box::new(Attachment { symbols, listener, layout, cleanup: ptr::null_mut() }));
        // SAFETY: the handle is initialised, on this thread; the attachment lives until `on_closed`.
        unsafe {
            (symbols.handle_set_data)(handle, attachment.cast());
            let mut status = (symbols.poll_start)(handle, READABLE, on_poll);
            (symbols.unreference)(handle);
            if status == 0 {
                status = enter(uv, &*(*attachment).listener);
            }
            if status == 0 {
                let hook = &raw mut (*attachment).cleanup;
                let hooked = sys::napi_add_async_cleanup_hook(env, Some(on_environment_end), handle, hook);
                status = if hooked == sys::Status::napi_ok { 0 } else { -errno::EINVAL };
            }
            // Closed here, or by the hook, but never twice: libuv asserts that.
            if status != 0 {
                (symbols.close)(handle, on_closed);
                return Err(io::Error::from_raw_os_error(-status));
            }
        }
        Ok(UvDriver { symbols, handle })
    }

    /// Sets whether the handle keeps the loop, and so the process, alive.
    pub fn hold(&self, alive: bool) {
        // SAFETY: not called once the environment has ended, so the handle is open.
        unsafe {
            if alive {
                (self.symbols.reference)(self.handle);
            } else {
                (self.symbols.unreference)(self.handle);
            }
        }
    }
}

/// Adds the reactor's descriptor to the kernel's set of libuv. Returns a status of libuv.
///
/// libuv would do it itself before it sleeps, and abort if the kernel refused: by then, the reactor may hold an epoll
/// that nests too deeply, or a descriptor that is in too many epolls. Done here, the reactor is empty. From now on the
/// kernel refuses such a descriptor when it is added to the reactor, which our caller learns. libuv finds the reactor
/// in its epoll (EEXIST), and only sets the flags.
///
/// # Safety
///
/// The environment of the loop is current on this thread.
unsafe fn enter(uv: UvLoop, listener: &dyn OnReadable) -> c_int {
    // SAFETY: the caller's contract.
    let backend = unsafe { uv.backend_fd() };
    match join_loop(backend, listener.as_fd()) {
        Err(error) if !errno::is(&error, errno::EEXIST) => -errno::of(&error),
        _ => 0,
    }
}

/// Calls the listener.
///
/// # Safety
///
/// Called by libuv for a handle that `start` made, on its loop's thread.
unsafe extern "C" fn on_poll(handle: *mut Handle, _status: c_int, _events: c_int) {
    // SAFETY: libuv passes the handle; its data is the attachment until `on_closed`.
    unsafe {
        let Some(symbols) = UvSymbols::get() else {
            return;
        };
        let attachment = (symbols.handle_get_data)(handle).cast::<Attachment>();
        // A reference of its own: the call may lead to the end of the attachment.
        let listener = (*attachment).listener.clone();
        listener.on_readable();
    }
}

/// Closes the handle: the cleanup hook.
///
/// # Safety
///
/// Called by Node, on the environment's thread, once, with the handle that `start` made.
unsafe extern "C" fn on_environment_end(_hook: sys::napi_async_cleanup_hook_handle, handle: *mut c_void) {
    // SAFETY: the handle is open until `on_closed`, which this call leads to.
    unsafe {
        let Some(symbols) = UvSymbols::get() else {
            return;
        };
        (symbols.poll_stop)(handle);
        (symbols.close)(handle, on_closed);
    }
}

/// Frees the handle and its attachment.
///
/// # Safety
///
/// Called by libuv when it has released a handle that `start` made.
unsafe extern "C" fn on_closed(handle: *mut Handle) {
    // SAFETY: both were allocated in `start`, and are not used any more.
    unsafe {
        let Some(symbols) = UvSymbols::get() else {
            return;
        };
        let attachment = Box::from_raw((symbols.handle_get_data)(handle).cast::<Attachment>());
        debug_assert!(ptr::eq(attachment.symbols, symbols));
        dealloc(handle.cast(), attachment.layout);
        let cleanup = attachment.cleanup;
        drop(attachment);
        if !cleanup.is_null() {
            sys::napi_remove_async_cleanup_hook(cleanup);
        }
    }
}
