//! How a thread sleeps so that it can be ended.
//!
//! `worker.terminate()` and `process.exit()` cannot interrupt native code; without help, a worker that
//! sleeps in here is never joined, and the process hangs. But both post to the event loop of the thread
//! they want to end, so every sleep also waits for the descriptor of that loop. When it has something
//! new, an empty JavaScript function is called: if that fails, JavaScript is being ended, and so is
//! the sleep. If not, it was other traffic (a message, a timer of the loop), and the sleep goes on.
//!
//! Where the loop's descriptor is not to be had, the question is asked fifty times a second instead.

use std::io;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use napi::sys;
use waitable_event::sys::{Interrupter, Parker};

use crate::environment::Environment;

const SLICE: Duration = Duration::from_millis(20);

/// Calls `body` with the way to sleep in this environment.
pub fn with_parker<T, E: From<io::Error>>(
    environment: &Environment,
    body: impl FnOnce(&Parker<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let interrupter = interrupter(environment)?;
    let ending = || is_ending(environment);
    // libuv is either watched for the whole life of the environment or not at all.
    let slice = environment.uv().is_none().then_some(SLICE);
    body(&Parker { interrupter, is_ending: &ending, slice, spin: Some(&environment.spin) })
}

fn interrupter(environment: &Environment) -> io::Result<&Arc<Interrupter>> {
    if let Some(interrupter) = environment.interrupter.get() {
        return Ok(interrupter);
    }
    let interrupter = Interrupter::new()?;
    if let Some((uv, uv_loop)) = environment.uv() {
        // SAFETY: the loop of the current thread.
        interrupter.watch_loop(unsafe { (uv.backend_fd)(uv_loop) })?;
    }
    Ok(environment.interrupter.get_or_init(|| Arc::new(interrupter)))
}

/// Whether JavaScript can no longer run here. A termination that is found stays pending, so that it goes
/// on when the native call returns.
fn is_ending(environment: &Environment) -> bool {
    environment.in_scope(|| {
        let raw = environment.raw;
        let (mut receiver, mut result) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the environment is current, the function is held by a reference, and the results are ours.
        unsafe {
            let Some(probe) = environment.probe.get(raw) else {
                return true;
            };
            sys::napi_get_undefined(raw, &mut receiver);
            sys::napi_call_function(raw, receiver, probe, 0, ptr::null(), &mut result) != sys::Status::napi_ok
        }
    })
}
