//! What one Node environment owns: the main thread has one, and so has each worker.
//!
//! **Teardown.** Everything here belongs to the environment's thread. However the environment ends, Node runs the
//! cleanup hooks in the reverse order of their registration. The driver's hook is first: it stops waking a loop that is
//! about to end. This one is next: it releases events and pollers. The environment itself is freed last, with the
//! instance data. A worker that is terminated inside a native call returns from it first (`sleeper.rs`), so no hook
//! ever runs beneath one.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

use napi::{Env, sys};
use waitable_event::DatagramSocket;
use waitable_event::sys::{Fileno, SignalKeeper, SignalWatch, descriptor};

use crate::events::event_table::EventTable;
use crate::ffi::number_table::NumberTable;
use crate::ffi::reference::Reference;
use crate::ffi::status;
use crate::ffi::uv_symbols::UvLoop;
use crate::pollers::batch_poller::BatchPoller;
use crate::reactor::reactor::Reactor;
use crate::sleeper::Sleeper;

/// The state of one environment.
pub struct Environment {
    /// The environment, which is current whenever a reference to this is at hand.
    pub raw: sys::napi_env,
    /// The open events.
    pub events: Rc<EventTable>,
    /// The signals that this environment watches.
    pub signals: RefCell<Vec<SignalWatch>>,
    /// The signals that JavaScript listens to in this environment for a loop, and whose action is to be restored.
    pub kept_signals: RefCell<Vec<SignalKeeper>>,
    /// The descriptors that it has duplicated and not closed.
    pub duplicates: RefCell<HashSet<Fileno>>,
    /// The UDP sockets that it has bound and not closed.
    pub datagrams: RefCell<HashMap<Fileno, DatagramSocket>>,
    /// How its thread blocks.
    pub sleeper: Sleeper,
    uv: Option<UvLoop>,
    pollers: RefCell<NumberTable<Rc<BatchPoller>>>,
    /// The reactors, with the numbers of their pollers. Each copy of the facade in this environment has at most one.
    reactors: RefCell<Vec<(u32, Rc<Reactor>)>>,
    has_ended: Cell<bool>,
}

impl Environment {
    /// Returns the state of `env`, unless it was not initialised or is being torn down.
    pub fn of(env: &Env) -> Option<&Environment> {
        let mut data = ptr::null_mut();
        // SAFETY: napi passed `env` to the running call, so it is current on this thread.
        if unsafe { sys::napi_get_instance_data(env.raw(), &mut data) } != sys::Status::napi_ok {
            return None;
        }
        // SAFETY: the instance data is null or what `initialize` put there. It is freed with the environment, which
        // outlives the borrow of its wrapper.
        let environment = unsafe { data.cast::<Environment>().as_ref() }?;
        (!environment.has_ended()).then_some(environment)
    }

    /// Prepares `env`, unless that was done before. `Sleeper::new` says what the functions are; `uses_uv` says that
    /// this runtime's libuv can be used. Returns a status.
    ///
    /// # Safety
    ///
    /// `probe` and `is_unannounced` are live values of `env`.
    pub unsafe fn initialize(env: &Env, probe: sys::napi_value, is_unannounced: sys::napi_value, uses_uv: bool) -> i32 {
        let raw = env.raw();
        if Environment::of(env).is_some() {
            return 0;
        }
        // Before any thread of ours can start, and before any function of ours can be a signal's action: they outlive
        // the environment, and Node unloads an addon with the last environment that has it. The linker keeps it loaded
        // on some systems only (napi-build).
        napi::bindgen_prelude::retain_current_module_for_unload_safety();
        #[cfg(windows)]
        if uses_uv {
            crate::ffi::file_numbers::use_those_of_node();
        }
        // SAFETY: `env` is current, and the caller's contract.
        let references = unsafe { (Reference::new(raw, probe), Reference::new(raw, is_unannounced)) };
        let (Some(probe), Some(is_unannounced)) = references else {
            return status::NO_ENVIRONMENT;
        };
        // SAFETY: `env` is current.
        let uv = if uses_uv { unsafe { UvLoop::of(raw) } } else { None };
        let environment = Box::into_raw(Box::new(Environment {
            raw,
            events: Rc::default(),
            signals: RefCell::default(),
            kept_signals: RefCell::default(),
            duplicates: RefCell::default(),
            datagrams: RefCell::default(),
            sleeper: Sleeper::new(raw, probe, is_unannounced, uv),
            uv,
            pollers: RefCell::default(),
            reactors: RefCell::default(),
            has_ended: Cell::new(false),
        }));
        // SAFETY: `free` takes the box back when the environment is gone, and only then; `end` runs before.
        unsafe {
            if sys::napi_set_instance_data(raw, environment.cast(), Some(free), ptr::null_mut()) != sys::Status::napi_ok
            {
                drop(Box::from_raw(environment));
                return status::NO_ENVIRONMENT;
            }
            sys::napi_add_env_cleanup_hook(raw, Some(end), environment.cast());
        }
        0
    }

    /// Returns whether the cleanup hook has run.
    pub fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    /// Returns the poller with this number.
    pub fn poller(&self, number: u32) -> Option<Rc<BatchPoller>> {
        self.pollers.borrow().get(number).cloned()
    }

    /// Returns the reactor whose poller has this number.
    pub fn reactor(&self, number: u32) -> Option<Rc<Reactor>> {
        let reactors = self.reactors.borrow();
        reactors.iter().find(|(poller, _)| *poller == number).map(|(_, reactor)| reactor.clone())
    }

    /// Returns whether a reactor reports for the run loop with this poller.
    pub fn is_in_reactor(&self, poller: &BatchPoller) -> bool {
        self.reactors.borrow().iter().any(|(_, reactor)| reactor.loops.has(poller))
    }

    /// Adds a poller that reports through `batch`. Returns its number, or a status.
    ///
    /// # Safety
    ///
    /// `batch` is a live value of this environment. If it is an `Int32Array`, its memory is shared memory.
    pub unsafe fn create_poller(&self, batch: sys::napi_value) -> i32 {
        // SAFETY: the caller's contract, and the environment is current.
        match unsafe { BatchPoller::new(self.raw, batch) } {
            Ok(poller) => {
                let inserted = self.pollers.borrow_mut().insert(Rc::new(poller));
                inserted.map_or_else(
                    |poller| {
                        // SAFETY: the environment is current, and the poller has no number.
                        unsafe { poller.release(self.raw) };
                        status::FULL
                    },
                    status::of_number,
                )
            }
            Err(error) => error,
        }
    }

    /// Removes and releases the poller with this number. A reactor's stays: it ends with the environment.
    pub fn close_poller(&self, number: u32) {
        if self.reactor(number).is_some() {
            return;
        }
        let poller = self.pollers.borrow_mut().remove(number);
        if let Some(poller) = poller {
            // SAFETY: the environment is current, and only a reactor writes to a poller that is not in the list.
            unsafe { poller.release(self.raw) };
        }
    }

    /// Adds a reactor that reports through `batch` and calls `on_ready(count)`, and starts its driver. Returns the
    /// number of its poller, or a status.
    ///
    /// # Safety
    ///
    /// As for [`Environment::create_poller`]; `on_ready` is a live value of this environment.
    pub unsafe fn start_reactor(&self, batch: sys::napi_value, on_ready: sys::napi_value) -> i32 {
        // SAFETY: the caller's contract, and the environment is current.
        let Some(on_ready) = (unsafe { Reference::new(self.raw, on_ready) }) else {
            return status::NO_ENVIRONMENT;
        };
        // SAFETY: as above.
        let number = unsafe { self.create_poller(batch) };
        let started = match u32::try_from(number).ok().and_then(|number| Some((number, self.poller(number)?))) {
            // SAFETY: as above; `uv` is this environment's loop.
            Some((number, poller)) => unsafe {
                Reactor::start(self.raw, self.uv, self.events.clone(), poller, on_ready)
                    .inspect_err(|_| self.close_poller(number))
                    .map(|reactor| (number, reactor))
            },
            None => Err(number),
        };
        match started {
            Ok(reactor) => {
                self.reactors.borrow_mut().push(reactor);
                number
            }
            Err(error) => {
                // SAFETY: made above, and no reactor uses it.
                unsafe { on_ready.delete(self.raw) };
                error
            }
        }
    }
}

/// Releases everything while the environment can still be called: the cleanup hook.
///
/// # Safety
///
/// Called by Node, on the environment's thread, once, with what `initialize` registered.
unsafe extern "C" fn end(environment: *mut c_void) {
    // SAFETY: `free` has not run yet.
    let environment = unsafe { &*environment.cast::<Environment>() };
    let env = environment.raw;
    environment.has_ended.set(true);
    // SAFETY: the environment is current. Each of these was made in it, and is released once.
    unsafe {
        for (_, reactor) in environment.reactors.borrow_mut().drain(..) {
            reactor.release();
        }
        environment.events.release_all(env);
        environment.signals.borrow_mut().clear();
        environment.kept_signals.borrow_mut().clear();
        for fd in environment.duplicates.borrow_mut().drain() {
            // Fails only when foreign code has closed the number.
            let _ = descriptor::close(fd);
        }
        environment.datagrams.borrow_mut().clear();
        let pollers = environment.pollers.borrow_mut().drain();
        for poller in pollers {
            poller.release(env);
        }
    }
}

/// Frees the state: the finalizer of the instance data.
///
/// # Safety
///
/// Called by Node, once, with what `initialize` boxed.
unsafe extern "C" fn free(_env: sys::napi_env, environment: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the caller's contract.
    drop(unsafe { Box::from_raw(environment.cast::<Environment>()) });
}
