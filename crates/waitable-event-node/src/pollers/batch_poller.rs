//! Pollers of this environment, each under a small number, and what they report.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use std::time::Duration;

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use waitable_event::sys::{Member, descriptor, select};
use waitable_event::{Deadline, Interest, Poller, Readiness, Ready, Trigger};

use crate::bindings::event::event_in;
use crate::environment::Environment;
use crate::events::watch;
use crate::ffi::reference::{Reference, int32_array};
use crate::ffi::status;
use crate::pollers::event_members::Members;
use crate::reactor::driver::Driver;
use crate::reactor::ready_loops::Loops;
use crate::reactor::turn::Unarmed;
use crate::sleeper as blocking;

/// Bits of what is wanted and of what is ready, and the kind of an entry in the batch.
pub const READABLE: i32 = 1;
pub const WRITABLE: i32 = 1 << 1;
pub const PRIORITY: i32 = 1 << 2;
pub const HANG_UP: i32 = 1 << 3;
pub const ERROR: i32 = 1 << 4;
/// The entry is an event of this environment: its token is a slot, its flags are a status.
pub const EVENT: i32 = 1 << 5;
/// Beside the count: the alarm has rung.
const ALARM: i32 = 1 << 30;

/// A batch entry: token and flags.
const ENTRY_LENGTH: usize = 2;

/// The last entry of a batch is a reactor's: whether it is in a turn, so that JavaScript need not call it, and how many
/// want it to keep the process alive.
const IN_TURN: usize = 0;
const HOLDERS: usize = 1;

/// A poller and the shared memory through which it reports, a batch at a time.
pub struct PollerEntry {
    pub poller: Poller,
    /// What was taken from the kernel and not put into the batch yet.
    taken: RefCell<Vec<Ready>>,
    /// Whether the alarm has rung, and nobody was told.
    has_rung: Cell<bool>,
    pub members: Members,
    batch: *mut i32,
    capacity: usize,
    memory: Reference,
    /// Of a reactor: what is called when something is ready, and what sees to it.
    on_ready: Option<Reference>,
    pub driver: OnceCell<Driver>,
    pub unarmed: Unarmed,
    pub loops: Loops,
    /// Whether a reactor keeps the process alive.
    pub is_held: Cell<bool>,
}

impl PollerEntry {
    pub fn new(env: sys::napi_env, batch: &Unknown<'_>, on_ready: Option<Reference>) -> Result<PollerEntry, i32> {
        let poller = Poller::new().map_err(|error| status::of_io(&error))?;
        // SAFETY: the environment is current, and the value is an argument of the running call.
        let (array, memory) = unsafe { (int32_array(env, batch.raw()), Reference::new(env, batch.raw())) };
        let (Some((batch, length)), Some(memory)) = (array, memory) else {
            return Err(status::NO_ENVIRONMENT);
        };
        let Some(capacity) = (length / ENTRY_LENGTH).checked_sub(1) else {
            return Err(-libc::EINVAL);
        };
        Ok(PollerEntry {
            poller,
            taken: RefCell::default(),
            has_rung: Cell::default(),
            members: Members::default(),
            batch,
            capacity,
            memory,
            on_ready,
            driver: OnceCell::new(),
            unarmed: Unarmed::new(),
            loops: Loops::default(),
            is_held: Cell::new(false),
        })
    }

    /// Lets go of JavaScript's values; `env` is current.
    pub fn release(&self, env: sys::napi_env) {
        // SAFETY: made in this environment; the caller has just taken the entry out of its only list.
        unsafe {
            self.memory.delete(env);
            if let Some(on_ready) = self.on_ready {
                on_ready.delete(env);
            }
        }
    }

    /// What is called when something is ready, in the handle scope that is open.
    pub fn on_ready(&self, environment: &Environment) -> Option<sys::napi_value> {
        // SAFETY: made in this environment, which is current; deleted only when it ends.
        self.on_ready.and_then(|on_ready| unsafe { on_ready.get(environment.raw) })
    }

    pub fn write(&self, index: usize, token: i32, flags: i32) {
        debug_assert!(index < self.capacity);
        // SAFETY: within the batch, which `memory` keeps alive: the facade backs it with a
        // SharedArrayBuffer, which does not move, and reads it on this same thread only.
        unsafe {
            self.batch.add(index * ENTRY_LENGTH).write(token);
            self.batch.add(index * ENTRY_LENGTH + 1).write(flags);
        }
    }

    /// Puts the outcome of an event into the batch.
    pub fn report(&self, index: usize, slot: u32, outcome: i32) {
        // A status is negative; 1 ("set") becomes the plain bit.
        self.write(index, slot as i32, if outcome < 0 { outcome } else { EVENT });
    }

    /// Tells JavaScript whether the reactor is in a turn, at the end of which it looks at what JavaScript has left for it.
    pub fn set_in_turn(&self, in_turn: bool) {
        // SAFETY: as in `write`; the last entry is this one.
        unsafe { self.batch.add(self.capacity * ENTRY_LENGTH + IN_TURN).write(i32::from(in_turn)) };
    }

    /// How many want the reactor to keep the process alive.
    pub fn holders(&self) -> i32 {
        // SAFETY: as in `write`; the last entry is this one.
        unsafe { self.batch.add(self.capacity * ENTRY_LENGTH + HOLDERS).read() }
    }

    /// Moves what is ready into the batch: the count of its entries, with the bit `ALARM`.
    /// Whatever does not fit stays for the next call.
    pub fn fill(&self, environment: &Environment) -> i32 {
        if !self.has_more()
            && let Err(error) = self.fetch()
        {
            return status::of_io(&error);
        }
        let alarm = self.has_rung.take();
        let mut taken = self.taken.borrow_mut();
        let mut count = 0;
        let fitting = taken.len().min(self.capacity);
        for ready in taken.drain(..fitting) {
            match watch::slot_of(ready.token) {
                None => {
                    // The facade's tokens are 31 bits wide.
                    self.write(count, ready.token as i32, flags(ready.readiness));
                    count += 1;
                }
                Some(slot) => {
                    let readable = ready.readiness.satisfies(Interest::READABLE);
                    if let Some(outcome) = watch::fired(environment, slot, readable) {
                        self.report(count, slot as u32, outcome);
                        count += 1;
                    }
                }
            }
        }
        i32::try_from(count).unwrap_or(0) | if alarm { ALARM } else { 0 }
    }

    /// Asks the kernel, for the next `fill()`: whether there is something.
    pub fn fetch(&self) -> io::Result<bool> {
        self.forget_stale();
        let mut taken = self.taken.borrow_mut();
        let has_rung = self.poller.poll(&mut taken)?;
        self.has_rung.set(self.has_rung.get() || has_rung);
        Ok(has_rung || !taken.is_empty())
    }

    /// Forgets what was fetched of descriptors, which may not be ready any more: those that are will be reported again. What has
    /// no readiness is a call, and comes only once.
    pub fn forget_stale(&self) {
        self.taken.borrow_mut().retain(|ready| ready.readiness == Readiness::default());
    }

    /// As `fetch()`, of members that are events alone, and without the kernel.
    pub fn fetch_events(&self, environment: &Environment) -> bool {
        let mut taken = self.taken.borrow_mut();
        self.members.take_set(environment, &mut taken);
        !taken.is_empty()
    }

    /// Whether a `fill()` is due without asking the kernel.
    pub fn has_more(&self) -> bool {
        !self.taken.borrow().is_empty()
    }
}

pub fn interest(flags: i32) -> Interest {
    Interest { readable: flags & READABLE != 0, writable: flags & WRITABLE != 0, priority: flags & PRIORITY != 0 }
}

pub fn flags(readiness: Readiness) -> i32 {
    let bit = |set: bool, flag: i32| if set { flag } else { 0 };
    bit(readiness.readable, READABLE)
        | bit(readiness.writable, WRITABLE)
        | bit(readiness.priority, PRIORITY)
        | bit(readiness.hang_up, HANG_UP)
        | bit(readiness.error, ERROR)
}

fn with_poller(env: &Env, poller: u32, operation: impl FnOnce(&PollerEntry) -> i32) -> i32 {
    let Some(environment) = Environment::of(env) else {
        return status::NO_ENVIRONMENT;
    };
    match poller_in(environment, poller) {
        Some(entry) => operation(&entry),
        None => -libc::EBADF,
    }
}

pub fn of_unit(result: io::Result<()>) -> i32 {
    result.map_or_else(|error| status::of_io(&error), |()| 0)
}

/// Makes a poller that reports through `batch`, an `Int32Array` over a `SharedArrayBuffer`, as pairs of
/// token and flags; the last pair is its own. Returns its number, or a status.
#[napi]
pub fn create_poller(env: Env, batch: Unknown<'_>) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    match PollerEntry::new(environment.raw, &batch, None) {
        Ok(entry) => insert(environment, Rc::new(entry)),
        Err(error) => error,
    }
}

/// Puts a poller among those of the environment. Returns its number.
pub fn insert(environment: &Environment, entry: Rc<PollerEntry>) -> i32 {
    i32::try_from(environment.pollers.borrow_mut().insert(entry)).unwrap_or(status::NO_ENVIRONMENT)
}

/// The poller with this number.
pub fn poller_in(environment: &Environment, poller: u32) -> Option<Rc<PollerEntry>> {
    environment.pollers.borrow().get(poller as usize).cloned()
}

/// Closes a poller.
#[napi]
pub fn close_poller(env: Env, poller: u32) {
    let Some(environment) = Environment::of(&env) else {
        return;
    };
    let entry = environment.pollers.borrow_mut().try_remove(poller as usize);
    if let Some(entry) = entry {
        entry.release(environment.raw);
    }
}

/// The poller's own descriptor, readable while a member is ready.
#[napi]
pub fn poller_fileno(env: Env, poller: u32) -> i32 {
    with_poller(&env, poller, |entry| entry.poller.as_fd().as_raw_fd())
}

/// Adds a descriptor, level-triggered.
#[napi]
pub fn add_member(env: Env, poller: u32, fd: i32, token: u32, wanted: i32) -> i32 {
    with_poller(&env, poller, |entry| {
        // SAFETY: epoll_ctl() answers EBADF for a number that is not open.
        let result = unsafe { descriptor::borrow(fd) };
        let result = result.and_then(|fd| entry.poller.add(fd, u64::from(token), interest(wanted), Trigger::Level));
        if result.is_ok() {
            entry.members.added(token, wanted);
        }
        of_unit(result)
    })
}

/// Changes what is wanted of a descriptor.
#[napi]
pub fn modify_member(env: Env, poller: u32, fd: i32, token: u32, wanted: i32) -> i32 {
    with_poller(&env, poller, |entry| {
        entry.members.modified(token, wanted);
        // SAFETY: as in `add_member`.
        let result = unsafe { descriptor::borrow(fd) };
        of_unit(result.and_then(|fd| entry.poller.modify(fd, u64::from(token), interest(wanted), Trigger::Level)))
    })
}

/// Takes a descriptor out.
#[napi]
pub fn remove_member(env: Env, poller: u32, fd: i32, token: u32) -> i32 {
    with_poller(&env, poller, |entry| {
        entry.members.removed(token);
        // SAFETY: as in `add_member`.
        let result = unsafe { descriptor::borrow(fd) };
        of_unit(result.and_then(|fd| entry.poller.remove(fd)))
    })
}

/// Tells that the member with `token` is the event in `slot`: `poller` reports it, with no flags, when the event closes. Returns the
/// key to leave with.
#[napi]
pub fn watch_closing(env: Env, poller: u32, token: u32, slot: u32, wanted: i32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    with_poller(&env, poller, |entry| {
        let joined = event_in(environment, slot).and_then(|event| {
            let pipe = event.signal().doorbell()?;
            event.signal().join(entry.poller.close_waker(u64::from(token), &pipe))
        });
        if joined.is_ok() {
            entry.members.is_event(token, slot, wanted);
        }
        joined.map_or_else(|error| status::of_error(&error), |joined| status::of_count(Ok(joined.waiter_id)))
    })
}

/// Undoes `watch_closing`, which returned `key`.
#[napi]
pub fn unwatch_closing(env: Env, poller: u32, token: u32, slot: u32, key: u32) {
    let Some(environment) = Environment::of(&env) else {
        return;
    };
    if let Some(entry) = poller_in(environment, poller) {
        entry.members.forget_event(token);
    }
    if let Ok(event) = event_in(environment, slot) {
        event.signal().leave(key as usize);
    }
}

/// Rings the poller's alarm in `delay` milliseconds; `Infinity` never.
#[napi]
pub fn set_poller_alarm(env: Env, poller: u32, delay: f64) -> i32 {
    with_poller(&env, poller, |entry| of_unit(entry.poller.set_alarm(duration(delay))))
}

/// Has the poller be ready, with nothing to report, when somebody sets the wall clock.
#[napi]
pub fn watch_clock(env: Env, poller: u32) -> i32 {
    with_poller(&env, poller, |entry| of_unit(entry.poller.watch_clock()))
}

/// Milliseconds on the monotonic clock, which all threads share.
#[napi]
pub fn monotonic_time() -> f64 {
    waitable_event::sys::monotonic_time() * 1e3
}

/// What has to be added to the monotonic clock to have milliseconds since the epoch.
#[napi]
pub fn wall_offset() -> f64 {
    waitable_event::sys::wall_offset() * 1e3
}

/// Moves what is ready into the batch, without waiting: the count, with bit 30 when the alarm has rung. What was fetched
/// before counts as ready unless something has happened since, and it `is_stale`.
pub fn take_ready(environment: &Environment, poller: u32, is_stale: bool) -> i32 {
    poller_in(environment, poller).map_or(-libc::EBADF, |entry| {
        if is_stale {
            entry.forget_stale();
        }
        entry.fill(environment)
    })
}

/// Blocks until something is ready or `timeout` milliseconds have passed, then as `take_ready`.
pub fn wait_ready(environment: &Environment, poller: u32, timeout: f64) -> i32 {
    poller_in(environment, poller).map_or(-libc::EBADF, |entry| {
        if !entry.has_more() {
            let mut members = [Member {
                fd: entry.poller.as_fd().as_raw_fd(),
                interest: Interest::READABLE,
                readiness: Readiness::default(),
            }];
            let deadline = Deadline::after_millis(timeout);
            match blocking::with_parker(environment, |parker| select(&mut members, parker, deadline)) {
                Ok(Some(0)) => return 0,
                Ok(Some(_)) => {}
                Ok(None) => return status::INTERRUPTED,
                Err(error) => return status::of_io(&error),
            }
        }
        entry.fill(environment)
    })
}

/// Milliseconds as a duration: `None` for what never comes.
pub fn duration(milliseconds: f64) -> Option<Duration> {
    if milliseconds <= 0.0 {
        return Some(Duration::ZERO);
    }
    Duration::try_from_secs_f64(milliseconds / 1e3).ok()
}
