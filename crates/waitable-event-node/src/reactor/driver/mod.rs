//! How the reactor of an environment wakes Node's event loop.
//!
//! Two drivers have one surface. In `uv.rs` libuv polls the reactor's descriptor: half the price, and the default on
//! Node. In `thread.rs` a thread of ours polls it and calls a threadsafe function, by Node-API alone: for runtimes
//! whose libuv cannot be used.
//!
//! Windows has the second one alone: its libuv polls sockets, and a reactor has none.
//!
//! libuv never sees a descriptor of the user, on which it may abort. It sees the reactor's, which is ours.

pub mod on_readable;
mod thread;
#[cfg(unix)]
mod uv;

use std::io;
use std::rc::Rc;

use napi::sys;

use crate::ffi::uv_symbols::UvLoop;
use on_readable::OnReadable;
use thread::ThreadDriver;
#[cfg(unix)]
use uv::UvDriver;

/// One of the two drivers, started.
pub enum Driver {
    /// libuv.
    #[cfg(unix)]
    Uv(UvDriver),
    /// A thread of ours.
    Thread(ThreadDriver),
}

impl Driver {
    /// Has `listener` called when its descriptor is readable: by libuv if `uv` is there. The driver keeps the listener
    /// until the environment ends.
    ///
    /// # Safety
    ///
    /// `env` is current on this thread, and `uv` is its loop.
    pub unsafe fn start(env: sys::napi_env, uv: Option<UvLoop>, listener: Rc<dyn OnReadable>) -> io::Result<Driver> {
        // SAFETY: the caller's contract.
        unsafe {
            match uv {
                #[cfg(unix)]
                Some(uv) => UvDriver::start(env, uv, listener).map(Driver::Uv),
                _ => ThreadDriver::start(env, listener).map(Driver::Thread),
            }
        }
    }

    /// Keeps the loop, and so the process, alive, or no longer does. Not called once the environment has ended.
    pub fn hold(&self, env: sys::napi_env, alive: bool) {
        match self {
            #[cfg(unix)]
            Driver::Uv(driver) => driver.hold(alive),
            Driver::Thread(driver) => driver.hold(env, alive),
        }
    }
}
