//! Which threads sleep in a wait, for tests: Windows does not tell.

use napi_derive::napi;
use waitable_event::sys;

/// Returns the number of the calling thread.
#[napi]
pub fn current_thread() -> u32 {
    sys::thread_id()
}

/// Returns whether a thread sleeps in a wait of this package.
#[napi]
pub fn is_thread_asleep(thread: u32) -> bool {
    sys::is_thread_asleep(thread)
}
