//! The driver for runtimes whose libuv cannot be used: one thread of ours for the whole process, and two weak
//! threadsafe functions for each environment.
//!
//! The thread sleeps on one poller that holds the reactors of all environments, one shot each. A reactor that fired is
//! not reported again until its environment has dealt with it and arms it. So an environment has at most one call under
//! way, however much happens.
//!
//! The two functions alternate. Node continues with a function that is called again before its call returns, up to a
//! thousand times, and its timers wait meanwhile (measured with a member that is always ready and takes 20 ms: ten
//! seconds).
//!
//! **Teardown.** The environment's cleanup hook removes its threadsafe functions from the table, under the lock that
//! the thread holds while it calls one, and releases them while the environment still lives. (Node up to 25.3 aborts
//! when a function is released after its environment.)

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::io;
use std::ptr;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use napi::sys;
use waitable_event::{Deadline, Interest, Poller, Trigger};

use super::on_readable::OnReadable;
use crate::ffi::errno;

/// The time after which the thread polls again when it could not. All who wait meanwhile are told after each attempt.
const RETRY: Duration = Duration::from_millis(100);

/// The started driver: one environment's side.
#[derive(Clone, Copy)]
pub struct ThreadDriver {
    watcher: &'static Watcher,
    token: u64,
    functions: Functions,
}

/// What the threadsafe functions of an environment call. The cleanup hook frees it.
struct Context {
    listener: Rc<dyn OnReadable>,
    /// Set when the driver is started, and taken when it ends.
    driver: Cell<Option<ThreadDriver>>,
}

impl ThreadDriver {
    /// Starts watching. The functions are weak: they do not keep the process alive until [`ThreadDriver::hold`] says
    /// so.
    ///
    /// # Safety
    ///
    /// `env` is current on this thread.
    pub unsafe fn start(env: sys::napi_env, listener: Rc<dyn OnReadable>) -> io::Result<ThreadDriver> {
        let watcher = Watcher::get()?;
        let context = Rc::new(Context { listener, driver: Cell::new(None) });
        // SAFETY: the caller's contract. The functions are released before the hook frees the context.
        let functions = unsafe { threadsafe_functions(env, Rc::as_ptr(&context)) }?;
        let token = watcher.add(Callable { functions, calls: 0 });
        let driver = ThreadDriver { watcher, token, functions };
        let fd = context.listener.as_fd();
        if let Err(error) = watcher.poller.add(fd, token, Interest::READABLE, Trigger::OneShot) {
            // A released function does not come back to its context.
            driver.end(&*context.listener);
            return Err(error);
        }
        context.driver.set(Some(driver));
        // After the functions' own hooks, so that this one runs before them.
        // SAFETY: the environment is current; the context lives until the hook frees it.
        unsafe {
            sys::napi_add_env_cleanup_hook(env, Some(on_environment_end), Rc::into_raw(context).cast_mut().cast())
        };
        Ok(driver)
    }

    /// Sets whether the first function, which is enough, keeps the loop, and so the process, alive.
    pub fn hold(&self, env: sys::napi_env, alive: bool) {
        let [function, _] = self.functions;
        // SAFETY: on the environment's thread, and not called once the environment has ended, so the function is not
        // released.
        unsafe {
            if alive {
                sys::napi_ref_threadsafe_function(env, function);
            } else {
                sys::napi_unref_threadsafe_function(env, function);
            }
        }
    }

    /// Has the thread report the listener's descriptor the next time that it is readable.
    fn arm(&self, listener: &dyn OnReadable) {
        // Both descriptors are open, so this can fail only for lack of kernel memory.
        let _ = self.watcher.poller.modify(listener.as_fd(), self.token, Interest::READABLE, Trigger::OneShot);
    }

    /// Stops; on the environment's thread, while the environment still lives.
    fn end(&self, listener: &dyn OnReadable) {
        let _ = self.watcher.poller.remove(listener.as_fd());
        if self.watcher.table().by_token.remove(&self.token).is_some() {
            // Released once, and out of the table, so that no other thread calls them any more.
            self.functions.into_iter().for_each(release);
        }
    }
}

/// The two functions of an environment.
type Functions = [sys::napi_threadsafe_function; 2];

/// # Safety
///
/// As for [`threadsafe_function`].
unsafe fn threadsafe_functions(env: sys::napi_env, context: *const Context) -> io::Result<Functions> {
    // SAFETY: the caller's contract.
    unsafe {
        let first = threadsafe_function(env, context)?;
        match threadsafe_function(env, context) {
            Ok(second) => Ok([first, second]),
            Err(error) => {
                release(first);
                Err(error)
            }
        }
    }
}

/// Releases a function that is not called any more; on its environment's thread, while the environment still lives.
fn release(function: sys::napi_threadsafe_function) {
    // SAFETY: made by `threadsafe_function`, and each caller releases it once.
    unsafe { sys::napi_release_threadsafe_function(function, sys::ThreadsafeFunctionReleaseMode::abort) };
}

/// # Safety
///
/// `env` is current on this thread. `context` is part of an `Rc`, and lives until the function is released.
unsafe fn threadsafe_function(
    env: sys::napi_env,
    context: *const Context,
) -> io::Result<sys::napi_threadsafe_function> {
    const NAME: &str = "waitable-event";
    let (mut name, mut function) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the environment is current; name and function are written before they are used. The queue holds at most
    // one call, because each reactor is armed for one shot.
    let status = unsafe {
        sys::napi_create_string_utf8(env, NAME.as_ptr().cast(), NAME.len() as isize, &mut name);
        sys::napi_create_threadsafe_function(
            env,
            ptr::null_mut(),
            ptr::null_mut(),
            name,
            0,
            1,
            ptr::null_mut(),
            None,
            context.cast_mut().cast(),
            Some(on_call),
            &mut function,
        )
    };
    if status != sys::Status::napi_ok {
        return Err(errno::error(errno::ENOMEM));
    }
    // SAFETY: just made, in this environment.
    unsafe { sys::napi_unref_threadsafe_function(env, function) };
    Ok(function)
}

/// Calls the listener, on the environment's thread, and arms its descriptor again. `data` is the number of an error of
/// the thread, or null.
///
/// # Safety
///
/// Called by Node; `env` is null when the environment is ending.
unsafe extern "C" fn on_call(env: sys::napi_env, _function: sys::napi_value, context: *mut c_void, data: *mut c_void) {
    if env.is_null() {
        return;
    }
    let context = context.cast_const().cast::<Context>();
    // SAFETY: Node calls with the environment current, so its hooks have not run yet and the context is held. It gets a
    // reference of its own here, because the call may lead to that end.
    unsafe {
        Rc::increment_strong_count(context);
        let context = Rc::from_raw(context);
        match i32::try_from(data.addr()) {
            Ok(0) | Err(_) => context.listener.on_readable(),
            Ok(errno) => context.listener.on_failed(errno),
        }
        if let Some(driver) = context.driver.get() {
            driver.arm(&*context.listener);
        }
    }
}

/// Ends the driver and frees its context: the cleanup hook.
///
/// # Safety
///
/// Called by Node, on the environment's thread, once, with the context that `start` made.
unsafe extern "C" fn on_environment_end(context: *mut c_void) {
    // SAFETY: `start` gave it away, and it is taken back once, here.
    let context = unsafe { Rc::from_raw(context.cast_const().cast::<Context>()) };
    if let Some(driver) = context.driver.take() {
        driver.end(&*context.listener);
    }
}

/// The thread's side.
struct Watcher {
    poller: Poller,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    made: u64,
    by_token: HashMap<u64, Callable>,
}

struct Callable {
    functions: Functions,
    /// How often one of them was called.
    calls: usize,
}

// SAFETY: threadsafe functions are made to be called from any thread.
unsafe impl Send for Callable {}

impl Watcher {
    /// Returns the watcher of this process, started when it is first needed. It ends with the process: the addon is
    /// never unloaded (`environment.rs`), so there is nothing to clean up.
    fn get() -> io::Result<&'static Watcher> {
        static WATCHER: OnceLock<Watcher> = OnceLock::new();
        static STARTING: Mutex<bool> = Mutex::new(false);
        let mut started = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let watcher = match WATCHER.get() {
            Some(watcher) => watcher,
            None => {
                let fresh = Watcher { poller: Poller::new()?, table: Mutex::default() };
                WATCHER.get_or_init(|| fresh)
            }
        };
        if !*started {
            thread::Builder::new().name("waitable-event".into()).spawn(|| watcher.run())?;
            *started = true;
        }
        Ok(watcher)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, callable: Callable) -> u64 {
        let mut table = self.table();
        table.made += 1;
        let token = table.made;
        table.by_token.insert(token, callable);
        token
    }

    fn run(&self) {
        let mut ready = Vec::new();
        loop {
            let polled = self.poller.wait(Deadline::NEVER).and_then(|_| self.poller.poll(&mut ready));
            let mut table = self.table();
            for event in ready.drain(..) {
                if let Some(callable) = table.by_token.get_mut(&event.token) {
                    callable.call(0);
                }
            }
            if let Err(error) = polled {
                // A filter that refuses the call, no memory in the kernel, or foreign code that has closed the
                // descriptor. The last one does not pass.
                let errno = errno::of(&error);
                table.by_token.values_mut().for_each(|callable| callable.call(errno));
                drop(table);
                thread::sleep(RETRY);
            }
        }
    }
}

impl Callable {
    /// Has one of the functions called with `errno`, or with 0 when the reactor is ready. Called with the table locked.
    fn call(&mut self, errno: i32) {
        self.calls = self.calls.wrapping_add(1);
        // SAFETY: in the table, so not released yet; the lock keeps it there. The data is a number and no address.
        unsafe {
            sys::napi_call_threadsafe_function(
                self.functions[self.calls % 2],
                ptr::without_provenance_mut(errno as usize),
                sys::ThreadsafeFunctionCallMode::nonblocking,
            )
        };
    }
}
