//! How a thread blocks so that it can be ended.
//!
//! `worker.terminate()` and `process.exit()` cannot interrupt native code. Without help, a worker that sleeps in native
//! code is never joined, and the process hangs. But both post to the event loop of the thread that they want to end. So
//! every sleep also waits for the descriptor of that loop. When the loop has something new, an empty JavaScript
//! function is called. If that fails, JavaScript is being ended, and the sleep ends. If not, it was other traffic (a
//! message, a timer of the loop), and the sleep continues.
//!
//! The call also does what another thread wants of this one, as `Atomics.wait()` does: V8 handles its interrupts when a
//! function begins. `process.report`, `worker.getHeapSnapshot()` and the inspector come that way. They run code, and
//! that of the inspector may sleep here again, within this sleep.
//!
//! `Parker` says when the function is called, and how a sleeper knows that there is no reason to call it. Where the
//! loop has no descriptor, it is called at intervals.

use std::cell::OnceCell;
use std::io;
use std::ptr;
use std::sync::Arc;

use napi::sys;
use waitable_event::AdaptiveSpin;
use waitable_event::sys::{Interrupter, Looks, Parker};

use crate::ffi::handle_scope::in_handle_scope;
use crate::ffi::reference::Reference;
use crate::ffi::request_handle::RequestHandle;
use crate::ffi::uv_symbols::UvLoop;

/// How the thread of one environment sleeps. Its methods are called while that environment is current.
pub struct Sleeper {
    env: sys::napi_env,
    /// Does nothing; called to learn whether JavaScript can still run.
    probe: Reference,
    /// Returns whether another thread may end the code that is running without the event loop showing it. It is told
    /// whether the event loop is known to have polled.
    is_unannounced: Reference,
    uv: Option<UvLoop>,
    /// The handle for requests to this thread, or that it is not known; empty before the first look.
    requests: OnceCell<Option<RequestHandle>>,
    interrupter: OnceCell<Arc<Interrupter>>,
    /// The history of this thread's spins before a blocking wait.
    spin: AdaptiveSpin,
}

impl Sleeper {
    /// Returns the sleeper of an environment. `probe` is a function that does nothing, `is_unannounced` one that
    /// returns whether another thread may end the code that is running without the event loop, `uv`, showing it. Its
    /// argument says whether that loop is known to have polled.
    pub fn new(env: sys::napi_env, probe: Reference, is_unannounced: Reference, uv: Option<UvLoop>) -> Sleeper {
        Sleeper {
            env,
            probe,
            is_unannounced,
            uv,
            requests: OnceCell::new(),
            interrupter: OnceCell::new(),
            spin: AdaptiveSpin::new(),
        }
    }

    /// Calls `body` with the means to sleep in this environment.
    pub fn with_parker<T, E: From<io::Error>>(&self, body: impl FnOnce(&Parker<'_>) -> Result<T, E>) -> Result<T, E> {
        let interrupter = self.interrupter()?;
        // They have names because Rust before 1.89 drops what a `let` borrows within `Some(…)`.
        let is_ending = || self.is_ending();
        let are_needed = || self.may_end_silently(interrupter);
        let has_request = || self.has_request();
        let looks = Some(Looks { is_ending: &is_ending, are_needed: &are_needed, has_request: &has_request });
        body(&Parker { interrupter, looks, spin: Some(&self.spin) })
    }

    /// Returns whether this thread has the descriptors for a sleep.
    pub fn is_prepared(&self) -> bool {
        self.interrupter.get().is_some()
    }

    fn interrupter(&self) -> io::Result<&Arc<Interrupter>> {
        if let Some(interrupter) = self.interrupter.get() {
            return Ok(interrupter);
        }
        let interrupter = match self.uv {
            // SAFETY: the environment is current.
            Some(uv) => unsafe { uv.interrupter() }?,
            None => Interrupter::new()?,
        };
        Ok(self.interrupter.get_or_init(|| Arc::new(interrupter)))
    }

    /// Returns whether JavaScript can no longer run here. A termination that is found stays pending, and continues when
    /// the native call returns.
    fn is_ending(&self) -> bool {
        self.call(self.probe, None, |_| ()).is_none()
    }

    /// Returns whether this thread may be ended without its event loop showing it.
    fn may_end_silently(&self, interrupter: &Interrupter) -> bool {
        let to_bool = |result| {
            let mut is_true = false;
            // SAFETY: a value of the current environment, in an open handle scope.
            unsafe { sys::napi_get_value_bool(self.env, result, &mut is_true) };
            is_true
        };
        // If the function cannot be called, the next look finds out why.
        self.uv.is_none()
            || self.call(self.is_unannounced, Some(interrupter.has_loop_polled()), to_bool).unwrap_or(true)
    }

    /// Returns whether this thread has a request that its event loop has not handled. `None` if that is not known.
    fn has_request(&self) -> Option<bool> {
        // SAFETY: the environment is current.
        let find = || self.uv.and_then(|uv| unsafe { RequestHandle::find(uv) });
        // SAFETY: the environment is current.
        self.requests.get_or_init(find).as_ref().map(|handle| unsafe { handle.is_pending() })
    }

    /// Calls a function with one argument at most, and `body` with its result. Returns `None` if JavaScript cannot run.
    fn call<T>(
        &self,
        function: Reference,
        argument: Option<bool>,
        body: impl FnOnce(sys::napi_value) -> T,
    ) -> Option<T> {
        let env = self.env;
        let call = || {
            let (mut receiver, mut value, mut result) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
            // SAFETY: the environment is current, a reference holds the function, and the results are ours. The
            // argument is a value of this handle scope.
            let status = unsafe {
                let function = function.get(env)?;
                sys::napi_get_undefined(env, &mut receiver);
                if let Some(argument) = argument {
                    sys::napi_get_boolean(env, argument, &mut value);
                }
                let count = usize::from(argument.is_some());
                sys::napi_call_function(env, receiver, function, count, &value, &mut result)
            };
            (status == sys::Status::napi_ok).then(|| body(result))
        };
        // SAFETY: the environment is current.
        unsafe { in_handle_scope(env, call) }
    }
}
