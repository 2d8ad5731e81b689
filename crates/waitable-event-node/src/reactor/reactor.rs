//! What wakes an environment out of Node's event loop: one poller, which a driver watches, and its turns.

use std::cell::{Cell, OnceCell};
use std::io;
use std::ptr;
use std::rc::Rc;

use napi::sys;
use waitable_event::sys::{AsDescriptor, Descriptor};
use waitable_event::{AdaptiveSpin, Snapshot};

use super::driver::Driver;
use super::driver::on_readable::OnReadable;
use super::pending_arms::PendingArms;
use super::ready_loops::ReadyLoops;
use super::turn::Turn;
use crate::events::event_table::EventTable;
use crate::ffi::batch::DRIVER_FAILED;
use crate::ffi::errno;
use crate::ffi::handle_scope::in_handle_scope;
use crate::ffi::reference::Reference;
use crate::ffi::status;
use crate::ffi::uv_symbols::UvLoop;
use crate::pollers::batch_poller::BatchPoller;

/// A poller whose reports JavaScript gets by a call of `on_ready(count)`, once for a whole batch.
pub struct Reactor {
    /// The poller, whose batch JavaScript reads.
    pub poller: Rc<BatchPoller>,
    /// The run loops whose pollers sit in this one.
    pub loops: ReadyLoops,
    env: sys::napi_env,
    events: Rc<EventTable>,
    on_ready: Reference,
    driver: OnceCell<Driver>,
    pending: PendingArms,
    spin: AdaptiveSpin,
    /// Whether it keeps the process alive.
    is_held: Cell<bool>,
    is_released: Cell<bool>,
}

impl Reactor {
    /// Returns a reactor whose driver is started, or a status. libuv is the driver if `uv` is there.
    ///
    /// # Safety
    ///
    /// `env` is current on this thread. `on_ready` and the poller's batch were made in it, and `uv` is its loop.
    pub unsafe fn start(
        env: sys::napi_env,
        uv: Option<UvLoop>,
        events: Rc<EventTable>,
        poller: Rc<BatchPoller>,
        on_ready: Reference,
    ) -> Result<Rc<Reactor>, i32> {
        // `Turn` writes so many entries without asking.
        if poller.batch.capacity() < PendingArms::MAX {
            return Err(-errno::EINVAL);
        }
        let reactor = Rc::new(Reactor {
            poller,
            loops: ReadyLoops::default(),
            env,
            events,
            on_ready,
            driver: OnceCell::new(),
            pending: PendingArms::default(),
            spin: AdaptiveSpin::new(),
            is_held: Cell::new(false),
            is_released: Cell::new(false),
        });
        // SAFETY: the caller's contract.
        let driver = unsafe { Driver::start(env, uv, reactor.clone()) };
        let driver = driver.map_err(|error: io::Error| status::of_io_error(&error))?;
        let _ = reactor.driver.set(driver);
        Ok(reactor)
    }

    /// Releases the values of JavaScript. The reactor reports nothing from now on.
    ///
    /// # Safety
    ///
    /// The reactor's environment is current on this thread.
    pub unsafe fn release(&self) {
        if !self.is_released.replace(true) {
            // SAFETY: the caller's contract; not released before.
            unsafe { self.on_ready.delete(self.env) };
        }
    }

    /// Reports when the event in `slot` is set, for a wait that began when its word was `entered`. Returns 1 when it
    /// has been set since, 0 when it will be reported, or a status.
    pub fn arm(&self, slot: u32, entered: Snapshot) -> i32 {
        self.events.arm(slot, entered, &self.poller, &self.pending)
    }

    /// Keeps the process alive while the batch has holders.
    pub fn update_hold(&self) {
        let alive = self.poller.batch.holders() > 0;
        if self.is_held.replace(alive) != alive
            && let Some(driver) = self.driver.get()
        {
            driver.hold(self.env, alive);
        }
    }

    /// # Safety
    ///
    /// As for [`OnReadable::on_readable`], in a handle scope.
    unsafe fn run_turn(&self) {
        let turn = Turn::begin(&self.poller, &self.pending, &self.loops, &self.spin);
        let mut callback = None;
        let mut is_first = true;
        // Each call of JavaScript may end the environment, and so release the reactor.
        while !self.is_released.get() {
            // The rest of what was polled may have no listener any more. That does not end the turn: events are
            // pending.
            let is_rest = is_first || self.poller.has_more();
            let filled = if is_rest { turn.fill(&self.events) } else { turn.next(&self.events) };
            if filled == 0 && !is_rest {
                return;
            }
            is_first = false;
            if filled != 0 {
                if callback.is_none() {
                    // SAFETY: the caller's contract; the reference is not deleted yet.
                    callback = unsafe { Callback::new(self.env, self.on_ready) };
                }
                // SAFETY: the caller's contract; the handle scope is still open.
                if !callback.as_ref().is_some_and(|callback| unsafe { callback.call(filled) }) {
                    return;
                }
            }
            self.loops.discard_stale();
        }
    }
}

impl AsDescriptor for Reactor {
    fn as_fd(&self) -> Descriptor<'_> {
        self.poller.inner.as_fd()
    }
}

impl OnReadable for Reactor {
    unsafe fn on_readable(&self) {
        if self.is_released.get() {
            return;
        }
        self.poller.batch.set_in_turn(true);
        // One scope for the whole turn: a round makes four handles, and a turn is short.
        // SAFETY: the caller's contract.
        unsafe { in_handle_scope(self.env, || self.run_turn()) };
        if !self.is_released.get() {
            self.poller.batch.set_in_turn(false);
            self.update_hold();
        }
    }

    unsafe fn on_failed(&self, errno: i32) {
        if self.is_released.get() {
            return;
        }
        let report = || {
            // SAFETY: the caller's contract; the reference is not deleted yet, and the handle scope is open.
            unsafe {
                if let Some(callback) = Callback::new(self.env, self.on_ready) {
                    callback.call(DRIVER_FAILED | errno);
                }
            }
        };
        // SAFETY: the caller's contract.
        unsafe { in_handle_scope(self.env, report) };
    }
}

/// What all calls of a turn have in common, for as long as its handle scope is open.
struct Callback {
    env: sys::napi_env,
    receiver: sys::napi_value,
    function: sys::napi_value,
}

impl Callback {
    /// # Safety
    ///
    /// `env` is current on this thread, `function` was made in it and is not deleted, and a handle scope is open.
    unsafe fn new(env: sys::napi_env, function: Reference) -> Option<Callback> {
        // SAFETY: the caller's contract.
        let function = unsafe { function.get(env) }?;
        let mut receiver = ptr::null_mut();
        // SAFETY: the caller's contract; the result is ours.
        unsafe { sys::napi_get_global(env, &mut receiver) };
        Some(Callback { env, receiver, function })
    }

    /// Calls the function with `filled`. Returns false when JavaScript cannot run any more.
    ///
    /// # Safety
    ///
    /// As for [`Callback::new`], in the same handle scope.
    unsafe fn call(&self, filled: i32) -> bool {
        let Callback { env, receiver, function } = *self;
        let (mut argument, mut result) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the caller's contract; the results are ours.
        unsafe {
            sys::napi_create_int32(env, filled, &mut argument);
            // As a callback of the loop: ticks and promise jobs run when it returns.
            match sys::napi_make_callback(env, ptr::null_mut(), receiver, function, 1, &argument, &mut result) {
                sys::Status::napi_ok => true,
                sys::Status::napi_pending_exception => {
                    let mut exception = ptr::null_mut();
                    if sys::napi_get_and_clear_last_exception(env, &mut exception) == sys::Status::napi_ok {
                        sys::napi_fatal_exception(env, exception);
                    }
                    true
                }
                _ => false,
            }
        }
    }
}
