//! The handle by which Node asks something of an environment's thread, and whether it is pending.
//!
//! Other threads post terminations, reports, heap snapshots and the inspector's messages through one `uv_async_t` of
//! Node's `Environment`. Node does not export it. Two facts about private memory are needed, and both are checked where
//! they are used. Where one does not hold, the handle is not known, and a blocked thread looks at intervals.
//!
//! **Where it is.** The handle is the last of six that stand in the `Environment` without a gap, in an order that no
//! other object has ([`BEFORE`]). `uv_walk()` lists the handles of the loop. Exactly one of them must end such a row:
//! there are more when the loop has several environments.
//!
//! **Where its `pending` is.** libuv 1.x keeps its structures as they are, and this field is their last number. Once a
//! process, a handle on a loop of its own shows that it is there: 0 at first, not 0 after `uv_async_send()`, and 0
//! again in the handle's callback.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use super::uv_symbols::{ASYNC, CHECK, Handle, IDLE, Loop, PREPARE, RUN_DEFAULT, TIMER, UvLoop, UvSymbols};

/// The types of the handles before the one for requests, from the nearest one. They are members of the `Environment`
/// for timers, immediates and idle times.
const BEFORE: [c_int; 5] = [CHECK, PREPARE, IDLE, CHECK, TIMER];

/// The size of a `uv_async_t` with 64-bit pointers, and the place of its `pending`, which is called `async_sent` on
/// Windows.
const ASYNC_SIZE: usize = if cfg!(windows) { 224 } else { 128 };
/// See [`ASYNC_SIZE`].
const PENDING: usize = if cfg!(windows) { 216 } else { 120 };

#[cfg(not(windows))]
type Pending = std::sync::atomic::AtomicI32;
#[cfg(windows)]
type Pending = std::sync::atomic::AtomicI8;

/// The handle for requests of one environment.
pub struct RequestHandle(*mut Handle);

impl RequestHandle {
    /// Returns the handle of the environment with this loop, or `None` where it is not known.
    ///
    /// # Safety
    ///
    /// The environment is current on this thread.
    pub unsafe fn find(uv: UvLoop) -> Option<RequestHandle> {
        static IS_PENDING_KNOWN: OnceLock<bool> = OnceLock::new();
        let symbols = uv.symbols;
        if !IS_PENDING_KNOWN.get_or_init(|| is_pending_known(symbols)) {
            return None;
        }
        let mut handles: HashMap<usize, c_int> = HashMap::new();
        // SAFETY: the loop is this thread's, and lives as long as its environment. `note` uses the map during the call.
        unsafe { (symbols.walk)(uv.raw, note, (&raw mut handles).cast()) };
        // SAFETY: the function takes a number.
        let size_of = |kind| unsafe { (symbols.handle_size)(kind) };
        let ends_row = |end: usize| {
            let mut address = end;
            BEFORE.iter().all(|kind| {
                address = address.wrapping_sub(size_of(*kind));
                handles.get(&address) == Some(kind)
            })
        };
        let mut ends = handles.iter().filter(|(address, kind)| **kind == ASYNC && ends_row(**address));
        match (ends.next(), ends.next()) {
            (Some((address, _)), None) => Some(RequestHandle(std::ptr::with_exposed_provenance_mut(*address))),
            _ => None,
        }
    }

    /// Returns whether the handle is pending: it was posted to, and the loop has not handled that yet.
    ///
    /// # Safety
    ///
    /// The environment is current on this thread: the handle is a part of it.
    pub unsafe fn is_pending(&self) -> bool {
        // SAFETY: the caller's contract.
        unsafe { is_pending(self.0) }
    }
}

/// # Safety
///
/// `handle` is an initialised `uv_async_t` of [`ASYNC_SIZE`] bytes.
unsafe fn is_pending(handle: *mut Handle) -> bool {
    // SAFETY: the number is within the handle, and aligned. Other threads change it atomically only, as libuv does.
    let pending = unsafe { Pending::from_ptr(handle.byte_add(PENDING).cast()) };
    // A poster makes it pending, and writes to the eventfd, or posts a packet, afterwards. So a thread that has read
    // that sees that it is pending; the acquisition keeps what the thread does next behind it.
    pending.load(Ordering::Acquire) != 0
}

/// Notes a handle: the callback of `uv_walk()`.
///
/// # Safety
///
/// Called by libuv with a live handle, and with the map of [`RequestHandle::find`].
unsafe extern "C" fn note(handle: *mut Handle, handles: *mut c_void) {
    let Some(symbols) = UvSymbols::get() else { return };
    // SAFETY: the caller's contract.
    let kind = unsafe { (symbols.handle_get_type)(handle) };
    if kind == ASYNC || BEFORE.contains(&kind) {
        // SAFETY: the caller's contract; nothing else uses the map meanwhile.
        let handles = unsafe { &mut *handles.cast::<HashMap<usize, c_int>>() };
        handles.insert(handle.expose_provenance(), kind);
    }
}

/// Tries whether `pending` is where it is looked for. Returns false, too, when there are no means to try.
fn is_pending_known(symbols: &UvSymbols) -> bool {
    // SAFETY: the functions take numbers.
    let (major, size, loop_size) =
        unsafe { ((symbols.version)() >> 16, (symbols.handle_size)(ASYNC), (symbols.loop_size)()) };
    if !cfg!(target_pointer_width = "64") || major != 1 || size != ASYNC_SIZE {
        return false;
    }
    let memory = |size: usize| vec![0_u128; size.div_ceil(size_of::<u128>())];
    let (mut handle_memory, mut loop_memory) = (memory(size), memory(loop_size));
    let (handle, raw): (*mut Handle, *mut Loop) = (handle_memory.as_mut_ptr().cast(), loop_memory.as_mut_ptr().cast());
    let mut seen: Vec<bool> = Vec::new();
    // SAFETY: aligned memory of libuv's own sizes, which outlives its use: the loop is closed, or its memory is left
    // behind. Nothing else knows the loop.
    unsafe {
        if (symbols.loop_init)(raw) != 0 {
            return false;
        }
        if (symbols.async_init)(raw, handle, see_and_close) == 0 {
            seen.push(is_pending(handle));
            (symbols.async_send)(handle);
            seen.push(is_pending(handle));
            (symbols.handle_set_data)(handle, (&raw mut seen).cast());
            // Returns when the callback has closed the handle: nothing else keeps the loop alive.
            (symbols.run)(raw, RUN_DEFAULT);
        }
        if (symbols.loop_close)(raw) != 0 {
            std::mem::forget((handle_memory, loop_memory));
        }
    }
    seen == [false, true, false]
}

/// Notes whether the handle of [`is_pending_known`] is pending, and closes it: a closed one stays pending.
///
/// # Safety
///
/// Called by libuv, with the handle, whose data is the list to write to.
unsafe extern "C" fn see_and_close(handle: *mut Handle) {
    if let Some(symbols) = UvSymbols::get() {
        // SAFETY: the caller's contract. The handle lives until its loop is closed.
        unsafe {
            let seen = &mut *(symbols.handle_get_data)(handle).cast::<Vec<bool>>();
            seen.push(is_pending(handle));
            (symbols.close)(handle, closed);
        }
    }
}

/// # Safety
///
/// Called by libuv.
unsafe extern "C" fn closed(_handle: *mut Handle) {}
