//! Signals by libuv, so that watches and Node's own `process.on()` share them.
//!
//! libuv keeps one list of the handles that listen to a signal, across all loops of the process. Its signal handler
//! writes to the loop of each. It sets the action of a signal for the first handle, and the default action after the
//! last one. A watch is one more handle in this list. So each order of `process.on()`, `process.off()`, watches that
//! begin and watches that end is right: none replaces what another one needs.
//!
//! A handle needs a loop that runs. The main thread's may be blocked, and so may a worker's: that is what watches are
//! for. Therefore a thread of ours runs a loop that does nothing else. It starts with the first watch, and ends with
//! the process (the addon is never unloaded: `environment.rs`). It sleeps until a signal comes.
//!
//! libuv's functions are not thread-safe. Only this thread calls them on its loop, except `uv_async_send()`, which
//! wakes it for a request.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::io;
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use waitable_event::sys::{Disposition, OwnHandler, SignalSource, deliver};

use crate::ffi::errno;
use crate::ffi::uv_symbols::{ALIGNMENT, ASYNC, Handle, Loop, RUN_DEFAULT, SIGNAL, UvSymbols};

/// Returns who owns the actions of signals in this process. `uses_uv` says that this runtime's libuv can be used.
pub fn source(uses_uv: bool) -> &'static dyn SignalSource {
    match UvSymbols::get() {
        Some(symbols) if uses_uv => {
            static SOURCE: OnceLock<UvSignals> = OnceLock::new();
            SOURCE.get_or_init(|| UvSignals { symbols, requests: Mutex::default() })
        }
        _ => &OwnHandler,
    }
}

/// What other threads see of the thread of signals.
struct UvSignals {
    symbols: &'static UvSymbols,
    requests: Mutex<Requests>,
}

#[derive(Default)]
struct Requests {
    /// The handle that wakes the thread; none before it has started.
    waker: Option<Address>,
    waiting: Vec<Request>,
}

struct Request {
    number: i32,
    is_start: bool,
    reply: Sender<io::Result<()>>,
}

/// Memory of libuv's that another thread may name, but not use.
struct Address(*mut c_void);

// SAFETY: `uv_async_send()` may be called with it from any thread. Everything else is for its own thread.
unsafe impl Send for Address {}

impl SignalSource for UvSignals {
    fn start(&'static self, number: i32) -> io::Result<()> {
        self.request(number, true)
    }

    fn stop(&'static self, number: i32) {
        // It cannot fail for a signal that was started.
        let _ = self.request(number, false);
    }
}

impl UvSignals {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the thread start or stop a signal, and waits until it has done so.
    fn request(&'static self, number: i32, is_start: bool) -> io::Result<()> {
        let (reply, result) = mpsc::channel();
        {
            let mut requests = self.requests();
            if requests.waker.is_none() {
                requests.waker = Some(self.start_thread()?);
            }
            requests.waiting.push(Request { number, is_start, reply });
            if let Some(Address(waker)) = requests.waker {
                // SAFETY: the handle lives as long as the process.
                unsafe { (self.symbols.async_send)(waker) };
            }
        }
        result.recv().unwrap_or_else(|_| Err(errno::error(errno::EAGAIN)))
    }

    /// Starts the thread. Returns its waker once its loop runs.
    fn start_thread(&'static self) -> io::Result<Address> {
        let (tell, told) = mpsc::channel();
        thread::Builder::new().name("waitable-signal".into()).spawn(move || {
            // Signals go to the threads that they went to before.
            // SAFETY: a mask of this size, filled by the call before it is used.
            #[cfg(unix)]
            unsafe {
                let mut mask = std::mem::zeroed();
                libc::sigfillset(&mut mask);
                libc::pthread_sigmask(libc::SIG_SETMASK, &mask, std::ptr::null_mut());
            }
            match SignalLoop::new(self) {
                Ok((mut signals, waker)) => {
                    let _ = tell.send(Ok(waker));
                    signals.run();
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                }
            }
        })?;
        told.recv().unwrap_or_else(|_| Err(errno::error(errno::EAGAIN)))
    }
}

/// The thread's side: a loop, and a handle for each signal that was ever watched.
struct SignalLoop {
    shared: &'static UvSignals,
    raw: *mut Loop,
    waker: *mut Handle,
    handles: HashMap<i32, *mut Handle>,
    /// libuv's own action, known from the first signal that had another one before.
    action_of_uv: Option<Disposition>,
}

impl SignalLoop {
    fn new(shared: &'static UvSignals) -> io::Result<(SignalLoop, Address)> {
        let symbols = shared.symbols;
        // SAFETY: the sizes are libuv's own. What is not initialised is freed, and nothing else.
        unsafe {
            let (raw, loop_layout) = allocate((symbols.loop_size)())?;
            let (waker, waker_layout) = match allocate((symbols.handle_size)(ASYNC)) {
                Ok(allocated) => allocated,
                Err(error) => {
                    dealloc(raw.cast(), loop_layout);
                    return Err(error);
                }
            };
            let status = (symbols.loop_init)(raw);
            if status != 0 {
                dealloc(raw.cast(), loop_layout);
                dealloc(waker.cast(), waker_layout);
                return Err(io::Error::from_raw_os_error(-status));
            }
            // Uses the descriptor that `uv_loop_init` has made for the loop, so it does not fail for want of one. If it
            // does, the loop is left behind: it cannot be closed reliably.
            let status = (symbols.async_init)(raw, waker, on_request);
            if status != 0 {
                return Err(io::Error::from_raw_os_error(-status));
            }
            let signals = SignalLoop { shared, raw, waker, handles: HashMap::new(), action_of_uv: None };
            Ok((signals, Address(waker)))
        }
    }

    fn run(&mut self) {
        let (symbols, raw, waker) = (self.shared.symbols, self.raw, self.waker);
        let this: *mut SignalLoop = self;
        // SAFETY: on this thread. `this` outlives the loop, which runs as long as the process, because the waker keeps
        // it alive; nothing but the callbacks uses it meanwhile.
        unsafe {
            (symbols.handle_set_data)(waker, this.cast());
            // A request that came before this thread was ready has set the waker, too.
            (symbols.run)(raw, RUN_DEFAULT);
        }
    }

    fn serve(&mut self) {
        let waiting = std::mem::take(&mut self.shared.requests().waiting);
        for Request { number, is_start, reply } in waiting {
            let result = if is_start { self.start(number) } else { self.stop(number) };
            let _ = reply.send(result);
        }
    }

    fn start(&mut self, number: i32) -> io::Result<()> {
        let symbols = self.shared.symbols;
        let handle = match self.handles.get(&number) {
            Some(handle) => *handle,
            None => {
                // SAFETY: libuv's own size; on the loop's thread.
                let handle = unsafe {
                    let (handle, layout) = allocate((symbols.handle_size)(SIGNAL))?;
                    let status = (symbols.signal_init)(self.raw, handle);
                    if status != 0 {
                        dealloc(handle.cast(), layout);
                        return Err(io::Error::from_raw_os_error(-status));
                    }
                    handle
                };
                self.handles.insert(number, handle);
                handle
            }
        };
        let before = Disposition::of(number)?;
        // SAFETY: initialised above or earlier, never closed; on the loop's thread.
        let status = unsafe { (symbols.signal_start)(handle, on_signal, number) };
        if status != 0 {
            return Err(io::Error::from_raw_os_error(-status));
        }
        let now = Disposition::of(number)?;
        if self.action_of_uv.is_none() && !now.has_handler_of(&before) {
            self.action_of_uv = Some(now);
        }
        Ok(())
    }

    fn stop(&mut self, number: i32) -> io::Result<()> {
        let Some(handle) = self.handles.get(&number) else {
            return Ok(());
        };
        let before = Disposition::of(number)?;
        // SAFETY: as in `start`. libuv drops a signal that it has caught and not yet reported to this handle.
        unsafe { (self.shared.symbols.signal_stop)(*handle) };
        // libuv sets the default action after its last handle, also where another library has replaced its handler.
        if self.action_of_uv.is_some_and(|uv| !uv.has_handler_of(&before)) && Disposition::of(number)?.is_default() {
            // SAFETY: it came from the system.
            unsafe { before.set(number) }?;
        }
        Ok(())
    }
}

/// Allocates zeroed memory of libuv's size.
fn allocate(size: usize) -> io::Result<(*mut c_void, Layout)> {
    let layout = Layout::from_size_align(size, ALIGNMENT).map_err(io::Error::other)?;
    if size == 0 {
        return Err(errno::error(errno::ENOSYS));
    }
    // SAFETY: the layout is not empty.
    let memory: *mut c_void = unsafe { alloc_zeroed(layout) }.cast();
    if memory.is_null() { Err(errno::error(errno::ENOMEM)) } else { Ok((memory, layout)) }
}

/// # Safety
///
/// Called by libuv, on the loop's thread, with the waker.
unsafe extern "C" fn on_request(waker: *mut Handle) {
    if let Some(symbols) = UvSymbols::get() {
        // SAFETY: `run` has set the data before the loop ran.
        let signals = unsafe { &mut *(symbols.handle_get_data)(waker).cast::<SignalLoop>() };
        signals.serve();
    }
}

/// # Safety
///
/// Called by libuv, on the loop's thread.
unsafe extern "C" fn on_signal(_handle: *mut Handle, number: c_int) {
    deliver(number);
}
