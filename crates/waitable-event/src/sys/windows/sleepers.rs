//! Which threads sleep in a wait. Windows does not tell, and tests want to know.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use windows_sys::Win32::System::Threading::GetCurrentThreadId;

use crate::sync::lock;

/// The threads that have slept, and whether they sleep.
static SLEEPERS: Mutex<Vec<(u32, Weak<AtomicBool>)>> = Mutex::new(Vec::new());

/// Whether the thread that made it sleeps.
#[derive(Debug)]
pub(super) struct Sleeper(Arc<AtomicBool>);

impl Sleeper {
    /// Returns the mark of the calling thread.
    pub(super) fn new() -> Sleeper {
        let mark = Arc::new(AtomicBool::new(false));
        let mut sleepers = lock(&SLEEPERS);
        sleepers.retain(|(_, mark)| mark.strong_count() > 0);
        sleepers.push((thread_id(), Arc::downgrade(&mark)));
        Sleeper(mark)
    }

    /// Calls `sleep`. What happens after the thread is said to sleep ends that call.
    pub(super) fn sleep<T>(&self, sleep: impl FnOnce() -> T) -> T {
        self.0.store(true, Ordering::Release);
        let result = sleep();
        self.0.store(false, Ordering::Relaxed);
        result
    }
}

/// Returns the number that the system has for the calling thread.
pub fn thread_id() -> u32 {
    // SAFETY: the call has no arguments.
    unsafe { GetCurrentThreadId() }
}

/// Returns whether a thread sleeps in a wait. What happens from then on ends its sleep.
pub fn is_thread_asleep(thread: u32) -> bool {
    lock(&SLEEPERS)
        .iter()
        .any(|(other, mark)| *other == thread && mark.upgrade().is_some_and(|mark| mark.load(Ordering::Acquire)))
}
