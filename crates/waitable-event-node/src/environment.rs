//! What one Node environment owns: the main thread has one, and so has each worker.
//!
//! **Teardown.** Everything here belongs to the environment's thread. When the environment ends, however it
//! ends, Node runs the cleanup hooks in the reverse order of their registration: first the driver's
//! (it stops waking a loop that is going away), then this one's, which lets go of events and pollers.
//! The environment itself is freed last, with the instance data. A worker that is terminated inside a
//! native call comes back from it first (`blocking.rs`), so no hook ever runs beneath one.

use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use slab::Slab;
use waitable_event::AdaptiveSpin;
use waitable_event::sys::{Interrupter, SignalWatch};

use crate::bindings::event::Entry;
use crate::ffi::reference::Reference;
use crate::ffi::{status, uv_symbols as uv};
use crate::pollers::batch_poller::PollerEntry;

/// The per-environment state.
pub struct Environment {
    pub raw: sys::napi_env,
    /// Does nothing; called to learn whether JavaScript may still run.
    pub probe: Reference,
    /// Whether libuv's functions may be called in this runtime.
    pub uses_uv: bool,
    pub events: RefCell<Slab<Entry>>,
    pub pollers: RefCell<Slab<Rc<PollerEntry>>>,
    pub interrupter: OnceCell<Arc<Interrupter>>,
    pub signals: RefCell<Vec<SignalWatch>>,
    /// What this thread has learnt of lingering before a blocking wait.
    pub spin: AdaptiveSpin,
    ended: Cell<bool>,
}

impl Environment {
    /// The state of `env`, unless it was not initialised or is being torn down.
    pub fn of(env: &Env) -> Option<&Environment> {
        // SAFETY: napi passed `env` to the running call, so it is current on this thread, and it
        // outlives the borrow of its wrapper.
        unsafe { Environment::of_raw(env.raw()) }
    }

    /// # Safety
    ///
    /// `env` is current on this thread, and stays so for `'a`.
    pub unsafe fn of_raw<'a>(env: sys::napi_env) -> Option<&'a Environment> {
        let mut data = ptr::null_mut();
        // SAFETY: the caller's contract.
        let found = unsafe { sys::napi_get_instance_data(env, &mut data) };
        if found != sys::Status::napi_ok {
            return None;
        }
        // SAFETY: the instance data is null or what `initialize` put there, freed with the environment.
        let environment = unsafe { data.cast::<Environment>().as_ref() }?;
        (!environment.has_ended()).then_some(environment)
    }

    /// Whether the cleanup hooks have run.
    pub fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// The loop of this environment's thread, and the functions to use on it.
    pub fn uv(&self) -> Option<(&'static uv::Functions, *mut uv::Loop)> {
        if !self.uses_uv {
            return None;
        }
        let functions = uv::functions()?;
        let mut uv_loop = ptr::null_mut();
        // SAFETY: `raw` is current on this thread: the state is reached through it alone.
        let found = unsafe { sys::napi_get_uv_event_loop(self.raw, &mut uv_loop) };
        (found == sys::Status::napi_ok && !uv_loop.is_null()).then_some((functions, uv_loop.cast()))
    }

    /// Runs `body` in a handle scope of its own, so that values made in it do not pile up.
    pub fn in_scope<T>(&self, body: impl FnOnce() -> T) -> T {
        let mut scope = ptr::null_mut();
        // SAFETY: `raw` is current on this thread; a scope that was not opened is not closed.
        let opened = unsafe { sys::napi_open_handle_scope(self.raw, &mut scope) } == sys::Status::napi_ok;
        let result = body();
        if opened {
            // SAFETY: opened above, and what was opened in `body` is closed by now.
            unsafe { sys::napi_close_handle_scope(self.raw, scope) };
        }
        result
    }
}

/// Prepares the environment. `probe` does nothing, `uses_uv` tells that this runtime's libuv can be used.
/// Returns a status.
///
/// A second copy of the facade in the same environment (a test runner that loads it once for each test file)
/// finds it prepared and shares it.
#[napi]
pub fn initialize(env: Env, probe: Unknown<'_>, uses_uv: bool) -> i32 {
    let raw = env.raw();
    if Environment::of(&env).is_some() {
        return 0;
    }
    // SAFETY: `env` is current, and the value is an argument of the running call.
    let Some(probe) = (unsafe { Reference::new(raw, probe.raw()) }) else {
        return status::NO_ENVIRONMENT;
    };
    let environment = Box::into_raw(Box::new(Environment {
        raw,
        probe,
        uses_uv,
        events: RefCell::default(),
        pollers: RefCell::default(),
        interrupter: OnceCell::new(),
        signals: RefCell::default(),
        spin: AdaptiveSpin::new(),
        ended: Cell::new(false),
    }));
    // SAFETY: `free` takes the box back when the environment is gone, and only then; `end` runs before.
    unsafe {
        if sys::napi_set_instance_data(raw, environment.cast(), Some(free), ptr::null_mut()) != sys::Status::napi_ok {
            drop(Box::from_raw(environment));
            return status::NO_ENVIRONMENT;
        }
        sys::napi_add_env_cleanup_hook(raw, Some(end), environment.cast());
    }
    0
}

/// The cleanup hook: lets go of everything, while the environment can still be called.
unsafe extern "C" fn end(environment: *mut c_void) {
    // SAFETY: what `initialize` registered; `free` has not run yet.
    let environment = unsafe { &*environment.cast::<Environment>() };
    environment.ended.set(true);
    for entry in environment.events.borrow_mut().drain() {
        entry.release(environment.raw);
    }
    environment.signals.borrow_mut().clear();
    for poller in environment.pollers.borrow_mut().drain() {
        poller.release(environment.raw);
    }
}

/// The finalizer of the instance data.
unsafe extern "C" fn free(_env: sys::napi_env, environment: *mut c_void, _hint: *mut c_void) {
    // SAFETY: what `initialize` boxed, handed back once.
    drop(unsafe { Box::from_raw(environment.cast::<Environment>()) });
}
