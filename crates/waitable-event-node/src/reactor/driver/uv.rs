//! The driver for Node: one `uv_poll_t` on the reactor's descriptor.
//!
//! libuv owns the handle from `uv_poll_init` until its close callback. An environment that dies with an
//! open handle aborts the process, so an asynchronous cleanup hook closes it, and Node waits for that.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;
use std::rc::Rc;

use napi::sys;

use crate::environment::Environment;
use crate::ffi::uv_symbols as uv;
use crate::pollers::batch_poller::PollerEntry;

/// Big enough for any member of a libuv handle.
const ALIGNMENT: usize = 16;

/// The started driver.
pub struct UvDriver {
    functions: &'static uv::Functions,
    handle: *mut uv::Handle,
}

/// What the handle's data points to. Freed in the close callback.
struct Attachment {
    functions: &'static uv::Functions,
    env: sys::napi_env,
    /// Its descriptor is open for as long as libuv may touch it.
    reactor: Rc<PollerEntry>,
    layout: Layout,
    cleanup: sys::napi_async_cleanup_hook_handle,
}

impl UvDriver {
    /// Starts polling. The handle does not keep the process alive until [`UvDriver::hold`] says so.
    pub fn start(
        environment: &Environment,
        functions: &'static uv::Functions,
        uv_loop: *mut uv::Loop,
        reactor: &Rc<PollerEntry>,
    ) -> io::Result<UvDriver> {
        let fd = reactor.poller.as_fd().as_raw_fd();
        // SAFETY: asks for a size; POLL is a handle type of every libuv.
        let size = unsafe { (functions.handle_size)(uv::POLL) };
        let layout = Layout::from_size_align(size, ALIGNMENT).map_err(io::Error::other)?;
        if size == 0 {
            return Err(io::Error::from_raw_os_error(libc::ENOSYS));
        }
        // SAFETY: the layout is not empty.
        let handle: *mut uv::Handle = unsafe { alloc_zeroed(layout) }.cast();
        if handle.is_null() {
            return Err(io::Error::from_raw_os_error(libc::ENOMEM));
        }
        // SAFETY: memory of libuv's own size, the loop of this thread, a descriptor that `reactor` keeps open.
        let status = unsafe { (functions.poll_init)(uv_loop, handle, fd) };
        if status != 0 {
            // SAFETY: allocated above with this layout; libuv did not take it.
            unsafe { dealloc(handle.cast(), layout) };
            return Err(io::Error::from_raw_os_error(-status));
        }
        let attachment = Box::into_raw(Box::new(Attachment {
            functions,
            env: environment.raw,
            reactor: reactor.clone(),
            layout,
            cleanup: ptr::null_mut(),
        }));
        // SAFETY: the handle is initialised, on this thread; the attachment lives until `on_closed`.
        unsafe {
            (functions.handle_set_data)(handle, attachment.cast());
            let mut status = (functions.poll_start)(handle, uv::READABLE, on_readable);
            (functions.unreference)(handle);
            if status == 0 {
                let hooked = sys::napi_add_async_cleanup_hook(
                    environment.raw,
                    Some(on_environment_end),
                    handle,
                    &raw mut (*attachment).cleanup,
                );
                status = if hooked == sys::Status::napi_ok { 0 } else { -libc::EINVAL };
            }
            // Closed here, or by the hook, but never twice: libuv asserts.
            if status != 0 {
                (functions.close)(handle, on_closed);
                return Err(io::Error::from_raw_os_error(-status));
            }
        }
        Ok(UvDriver { functions, handle })
    }

    /// Whether the handle keeps the loop, and so the process, alive.
    pub fn hold(&self, alive: bool) {
        // SAFETY: the environment is not ending (its state could not be reached then), so the handle is open.
        unsafe {
            if alive {
                (self.functions.reference)(self.handle);
            } else {
                (self.functions.unreference)(self.handle);
            }
        }
    }
}

/// # Safety
///
/// Called by libuv for a handle that `start` made, on its loop's thread.
unsafe extern "C" fn on_readable(handle: *mut uv::Handle, _status: c_int, _events: c_int) {
    // SAFETY: libuv passes the handle; its data is the attachment until `on_closed`.
    unsafe {
        let Some(functions) = uv::functions() else {
            return;
        };
        let attachment = (functions.handle_get_data)(handle).cast::<Attachment>();
        // A reference of its own: the call may lead to the end of the attachment.
        let reactor = (*attachment).reactor.clone();
        super::dispatch((*attachment).env, &reactor);
    }
}

/// The cleanup hook.
///
/// # Safety
///
/// Called by Node, on the environment's thread, once, with the handle that `start` made.
unsafe extern "C" fn on_environment_end(_hook: sys::napi_async_cleanup_hook_handle, handle: *mut c_void) {
    // SAFETY: the handle is open until `on_closed`, which this call leads to.
    unsafe {
        let Some(functions) = uv::functions() else {
            return;
        };
        (functions.poll_stop)(handle);
        (functions.close)(handle, on_closed);
    }
}

/// # Safety
///
/// Called by libuv when it has let go of a handle that `start` made.
unsafe extern "C" fn on_closed(handle: *mut uv::Handle) {
    // SAFETY: both were allocated in `start`, and nobody has them any more.
    unsafe {
        let Some(functions) = uv::functions() else {
            return;
        };
        let attachment = Box::from_raw((functions.handle_get_data)(handle).cast::<Attachment>());
        debug_assert!(ptr::eq(attachment.functions, functions));
        dealloc(handle.cast(), attachment.layout);
        let cleanup = attachment.cleanup;
        drop(attachment);
        if !cleanup.is_null() {
            sys::napi_remove_async_cleanup_hook(cleanup);
        }
    }
}
