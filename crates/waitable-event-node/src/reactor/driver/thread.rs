//! The driver for runtimes whose libuv cannot be used: one thread of ours for the whole process, and
//! two weak threadsafe functions for each environment.
//!
//! The thread sleeps on one poller that holds every environment's reactor, one shot each: a reactor
//! that fired is silent until its environment has dealt with it and arms it again. So an environment has at most one
//! call under way, however much happens.
//!
//! Two functions, which take turns: Node goes on with one that is called again before its call is over, up to a thousand times, and its
//! timers wait meanwhile (measured with a member that is always ready and takes 20 ms: ten seconds).
//!
//! **Teardown.** The environment's cleanup hook takes its threadsafe functions out of the table, under the lock
//! that the thread holds while it calls one, and releases them while the environment still lives.
//! (Node up to 25.3 aborts when one is released after its environment.)

use std::collections::HashMap;
use std::ffi::c_void;
use std::io;
use std::os::fd::AsFd;
use std::ptr;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use napi::sys;
use waitable_event::{Deadline, Interest, Poller, Trigger};

use crate::environment::Environment;
use crate::pollers::batch_poller::PollerEntry;

/// The started driver: one environment's side.
pub struct ThreadDriver {
    watcher: &'static Watcher,
    token: u64,
    functions: Functions,
}

impl ThreadDriver {
    /// Starts watching. The functions are weak: they do not keep the process alive until
    /// [`ThreadDriver::hold`] says so.
    pub fn start(environment: &Environment, reactor: &Rc<PollerEntry>) -> io::Result<ThreadDriver> {
        let watcher = Watcher::get()?;
        // Held by the functions' context, and given back by the cleanup hook.
        let context = Rc::into_raw(reactor.clone());
        let functions = threadsafe_functions(environment.raw, context).inspect_err(|_| {
            // SAFETY: what `into_raw` returned, and nobody else has it.
            drop(unsafe { Rc::from_raw(context) });
        })?;
        let token = watcher.add(Callable { functions, calls: 0 });
        let driver = ThreadDriver { watcher, token, functions };
        let fd = reactor.poller.as_fd();
        if let Err(error) = watcher.poller.add(fd, token, Interest::READABLE, Trigger::OneShot) {
            driver.end(reactor);
            // SAFETY: as above; a released function does not come back to its context.
            drop(unsafe { Rc::from_raw(context) });
            return Err(error);
        }
        // After the function's own hook, so that this one runs before it.
        // SAFETY: the environment is current; the context lives until the hook gives it back.
        unsafe {
            sys::napi_add_env_cleanup_hook(environment.raw, Some(on_environment_end), context.cast_mut().cast());
        }
        Ok(driver)
    }

    /// Whether the first function, and that is enough, keeps the loop, and so the process, alive.
    pub fn hold(&self, environment: &Environment, alive: bool) {
        let [function, _] = self.functions;
        // SAFETY: on the environment's thread, and the function is not released while the
        // environment's state can be reached.
        unsafe {
            if alive {
                sys::napi_ref_threadsafe_function(environment.raw, function);
            } else {
                sys::napi_unref_threadsafe_function(environment.raw, function);
            }
        }
    }

    /// Listens for the next time.
    fn arm(&self, reactor: &PollerEntry) {
        // Both descriptors are open, so this can only fail for want of kernel memory.
        let _ = self.watcher.poller.modify(reactor.poller.as_fd(), self.token, Interest::READABLE, Trigger::OneShot);
    }

    /// Stops; on the environment's thread, while that still lives.
    fn end(&self, reactor: &PollerEntry) {
        let _ = self.watcher.poller.remove(reactor.poller.as_fd());
        if self.watcher.table().by_token.remove(&self.token).is_some() {
            // Out of the table, so that no other thread calls them any more; once.
            self.functions.into_iter().for_each(release);
        }
    }
}

/// Those of one environment.
type Functions = [sys::napi_threadsafe_function; 2];

fn threadsafe_functions(env: sys::napi_env, context: *const PollerEntry) -> io::Result<Functions> {
    let first = threadsafe_function(env, context)?;
    match threadsafe_function(env, context) {
        Ok(second) => Ok([first, second]),
        Err(error) => {
            release(first);
            Err(error)
        }
    }
}

/// Lets go of a function that nobody calls any more; on its environment's thread, while that still lives.
fn release(function: sys::napi_threadsafe_function) {
    // SAFETY: made by `threadsafe_function`, and each caller has it released once.
    unsafe { sys::napi_release_threadsafe_function(function, sys::ThreadsafeFunctionReleaseMode::abort) };
}

fn threadsafe_function(env: sys::napi_env, context: *const PollerEntry) -> io::Result<sys::napi_threadsafe_function> {
    const NAME: &str = "waitable-event";
    let (mut name, mut function) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the environment is current; name and function are written before they are used. The queue
    // holds one call at the most, because each reactor is armed for one shot.
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
        return Err(io::Error::from_raw_os_error(libc::ENOMEM));
    }
    // SAFETY: just made, in this environment.
    unsafe { sys::napi_unref_threadsafe_function(env, function) };
    Ok(function)
}

/// The function's work, on the environment's thread.
///
/// # Safety
///
/// Called by Node; `env` is null when the environment is ending.
unsafe extern "C" fn on_call(env: sys::napi_env, _function: sys::napi_value, context: *mut c_void, _data: *mut c_void) {
    if env.is_null() {
        return;
    }
    let context = context.cast_const().cast::<PollerEntry>();
    // SAFETY: Node calls back with the environment current, so its hooks have not run yet and the
    // context is held; with a reference of its own here, because the call may lead to that end.
    unsafe {
        Rc::increment_strong_count(context);
        let reactor = Rc::from_raw(context);
        super::dispatch(env, &reactor);
        if Environment::of_raw(env).is_some()
            && let Some(super::Driver::Thread(driver)) = reactor.driver.get()
        {
            driver.arm(&reactor);
        }
    }
}

/// The cleanup hook.
///
/// # Safety
///
/// Called by Node, on the environment's thread, once, with the context that `start` made.
unsafe extern "C" fn on_environment_end(context: *mut c_void) {
    // SAFETY: given back once, here.
    let reactor = unsafe { Rc::from_raw(context.cast_const().cast::<PollerEntry>()) };
    if let Some(super::Driver::Thread(driver)) = reactor.driver.get() {
        driver.end(&reactor);
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

// SAFETY: calling a threadsafe function from any thread is what it is for.
unsafe impl Send for Callable {}

impl Watcher {
    /// The one of this process, started when it is first needed. It ends with the process: the
    /// addon is never unloaded (napi-build links it so), and there is nothing to clean up.
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
        // An error here is a descriptor of ours that somebody closed; there is nobody to tell.
        while self.poller.wait(Deadline::NEVER).is_ok() && self.poller.poll(&mut ready).is_ok() {
            let mut table = self.table();
            for event in ready.drain(..) {
                if let Some(Callable { functions, calls }) = table.by_token.get_mut(&event.token) {
                    *calls = calls.wrapping_add(1);
                    // SAFETY: in the table, so not released yet; the lock keeps it there.
                    unsafe {
                        sys::napi_call_threadsafe_function(
                            functions[*calls % 2],
                            ptr::null_mut(),
                            sys::ThreadsafeFunctionCallMode::nonblocking,
                        )
                    };
                }
            }
        }
    }
}
