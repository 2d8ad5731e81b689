//! How a thread blocks so that it can be ended.
//!
//! `worker.terminate()` and `process.exit()` cannot interrupt native code. Without help, a worker that sleeps in native
//! code is never joined, and the process hangs. But both post to the event loop of the thread that they want to end. So
//! every sleep also waits for the descriptor of that loop. When the loop has something new, an empty JavaScript
//! function is called. If that fails, JavaScript is being ended, and the sleep ends. If not, it was other traffic (a
//! message, a timer of the loop), and the sleep continues.
//!
//! Where the loop has no descriptor, the function is called fifty times a second instead.

use std::cell::OnceCell;
use std::io;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use napi::sys;
use waitable_event::AdaptiveSpin;
use waitable_event::sys::{Interrupter, Parker};

use crate::ffi::handle_scope::in_handle_scope;
use crate::ffi::reference::Reference;
use crate::ffi::uv_symbols::UvLoop;

const SLICE: Duration = Duration::from_millis(20);

/// How the thread of one environment sleeps. Its methods are called while that environment is current.
pub struct Sleeper {
    env: sys::napi_env,
    /// Does nothing; called to learn whether JavaScript can still run.
    probe: Reference,
    uv: Option<UvLoop>,
    interrupter: OnceCell<Arc<Interrupter>>,
    /// The history of this thread's spins before a blocking wait.
    spin: AdaptiveSpin,
}

impl Sleeper {
    /// Returns the sleeper of an environment. `probe` is a function that does nothing, `uv` the environment's loop.
    pub fn new(env: sys::napi_env, probe: Reference, uv: Option<UvLoop>) -> Sleeper {
        Sleeper { env, probe, uv, interrupter: OnceCell::new(), spin: AdaptiveSpin::new() }
    }

    /// Calls `body` with the means to sleep in this environment.
    pub fn with_parker<T, E: From<io::Error>>(&self, body: impl FnOnce(&Parker<'_>) -> Result<T, E>) -> Result<T, E> {
        let interrupter = self.interrupter()?;
        let slice = self.uv.is_none().then_some(SLICE);
        body(&Parker { interrupter, is_ending: &|| self.is_ending(), slice, spin: Some(&self.spin) })
    }

    fn interrupter(&self) -> io::Result<&Arc<Interrupter>> {
        if let Some(interrupter) = self.interrupter.get() {
            return Ok(interrupter);
        }
        let interrupter = Interrupter::new()?;
        if let Some(uv) = self.uv {
            // SAFETY: the environment is current.
            interrupter.watch_loop(unsafe { uv.backend_fd() })?;
        }
        Ok(self.interrupter.get_or_init(|| Arc::new(interrupter)))
    }

    /// Returns whether JavaScript can no longer run here. A termination that is found stays pending, and continues when
    /// the native call returns.
    fn is_ending(&self) -> bool {
        let env = self.env;
        let call_probe = || {
            let (mut receiver, mut result) = (ptr::null_mut(), ptr::null_mut());
            // SAFETY: the environment is current, a reference holds the function, and the results are ours.
            unsafe {
                let Some(probe) = self.probe.get(env) else {
                    return true;
                };
                sys::napi_get_undefined(env, &mut receiver);
                sys::napi_call_function(env, receiver, probe, 0, ptr::null(), &mut result) != sys::Status::napi_ok
            }
        };
        // SAFETY: the environment is current.
        unsafe { in_handle_scope(env, call_probe) }
    }
}
