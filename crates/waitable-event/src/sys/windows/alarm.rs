//! Keeps the promise that a wait is neither early nor late by the 16 ms to which Windows rounds the timeouts of its
//! calls: one thread of the process sleeps on a high-resolution timer, and wakes the owners of alarms.

use std::collections::BTreeMap;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Instant;

use windows_sys::Win32::System::Threading::{
    CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, CreateWaitableTimerExW, INFINITE, SetWaitableTimer, TIMER_ALL_ACCESS,
    WaitForSingleObject,
};

use super::code;
use crate::park::Wake;
use crate::sync::lock;

/// An alarm, which is removed with this.
#[derive(Debug)]
pub(super) struct Alarm((Instant, u64));

/// The alarms of this process.
struct Clock {
    timer: OwnedHandle,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    made: u64,
    by_time: BTreeMap<(Instant, u64), Arc<dyn Wake>>,
}

impl Alarm {
    /// Has `wake` called at the time `at`, or soon after, and never before. It is called without a lock.
    pub(super) fn new(at: Instant, wake: Arc<dyn Wake>) -> io::Result<Alarm> {
        let clock = Clock::get()?;
        let mut pending = lock(&clock.pending);
        pending.made += 1;
        let key = (at, pending.made);
        pending.by_time.insert(key, wake);
        if pending.by_time.first_key_value().is_some_and(|(first, _)| *first == key) {
            clock.set(at)?;
        }
        Ok(Alarm(key))
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // The timer stays as it is: it expires once without a reason, and the thread sets it for the next alarm.
        if let Ok(clock) = Clock::get() {
            // Dropped outside of the lock.
            let _wake = lock(&clock.pending).by_time.remove(&self.0);
        }
    }
}

impl Clock {
    /// Returns the clock of this process, whose thread starts when it is first needed. It ends with the process.
    fn get() -> io::Result<&'static Clock> {
        static RUNNING: OnceLock<&Clock> = OnceLock::new();
        static MADE: Mutex<Option<&Clock>> = Mutex::new(None);
        if let Some(clock) = RUNNING.get() {
            return Ok(clock);
        }
        let mut made = lock(&MADE);
        if let Some(clock) = RUNNING.get() {
            return Ok(clock);
        }
        let clock = match *made {
            Some(clock) => clock,
            None => *made.insert(Box::leak(Box::new(Clock { timer: timer()?, pending: Mutex::default() }))),
        };
        thread::Builder::new().name("waitable-alarm".into()).spawn(|| clock.run())?;
        Ok(RUNNING.get_or_init(|| clock))
    }

    /// Has the timer expire at the time `at`. Called with the alarms locked, so that an earlier time wins.
    fn set(&self, at: Instant) -> io::Result<()> {
        // In units of 100 ns; a negative number is relative. Rounded up: an alarm is never early.
        let units = at.saturating_duration_since(Instant::now()).as_nanos().div_ceil(100);
        let due = -i64::try_from(units).unwrap_or(i64::MAX);
        // SAFETY: the timer is open, and the call reads one number.
        code::check(unsafe { SetWaitableTimer(self.timer.as_raw_handle(), &due, 0, None, ptr::null(), 0) })
    }

    fn run(&self) {
        loop {
            // SAFETY: the timer is open as long as the process runs. It resets itself.
            unsafe { WaitForSingleObject(self.timer.as_raw_handle(), INFINITE) };
            loop {
                let due = {
                    let mut pending = lock(&self.pending);
                    match pending.by_time.first_key_value() {
                        Some((&(at, _), _)) if at <= Instant::now() => pending.by_time.pop_first(),
                        Some((&(at, _), _)) => {
                            // It fails for lack of memory alone. Then the next alarm that is added sets the timer.
                            let _ = self.set(at);
                            None
                        }
                        None => None,
                    }
                };
                let Some((_, wake)) = due else { break };
                wake.wake();
            }
        }
    }
}

/// Returns a timer that resets itself when a thread has woken.
fn timer() -> io::Result<OwnedHandle> {
    // Windows 10 has high resolution since version 1803.
    [CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, 0]
        .into_iter()
        .map(|flags| {
            // SAFETY: without attributes and a name.
            let timer = unsafe { CreateWaitableTimerExW(ptr::null(), ptr::null(), flags, TIMER_ALL_ACCESS) };
            // SAFETY: just made, for this value alone.
            (!timer.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(timer) })
        })
        .find_map(|timer| timer)
        .ok_or_else(io::Error::last_os_error)
}
