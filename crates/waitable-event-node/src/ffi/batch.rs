//! The memory through which a poller reports to JavaScript.

use napi::sys;

use super::errno;
use super::int32_array::int32_array;
use super::reference::Reference;
use super::status;

/// A flag of an entry, in place of readiness flags: the entry is an event that is set. Its token is the event's slot.
/// An event that cannot be awaited any more has a negative status there.
pub const EVENT: i32 = 1 << 5;
/// A flag beside the count of entries: the alarm has expired.
pub const ALARM: i32 = 1 << 30;
/// A flag in place of the count's: the driver has failed, and the rest of the number is its errno.
pub const DRIVER_FAILED: i32 = 1 << 29;
/// A flag beside the count of entries: the kernel was asked for them in this call.
pub const FRESH: i32 = 1 << 28;

/// The length of an entry: token and flags.
pub const ENTRY_LENGTH: usize = 2;

/// The entry behind the others belongs to the reactor: whether it is in a turn, so that JavaScript need not call it,
/// and how many holders want it to keep the process alive.
pub const IN_ITERATION: usize = 0;
/// The place of the number of holders in that entry.
pub const HOLDERS: usize = 1;

/// An `Int32Array` of entries, and one entry of the reactor behind them.
///
/// The facade backs it with a SharedArrayBuffer, which does not move, and reads it on this thread alone.
pub struct Batch {
    memory: *mut i32,
    capacity: usize,
    array: Reference,
}

impl Batch {
    /// Returns the batch over `array`, or a status.
    ///
    /// # Safety
    ///
    /// `env` is current on this thread and `array` is one of its live values. If it is an `Int32Array`, its memory is
    /// shared memory.
    pub unsafe fn new(env: sys::napi_env, array: sys::napi_value) -> Result<Batch, i32> {
        // SAFETY: the caller's contract.
        let (memory, length) = unsafe { int32_array(env, array) }.ok_or(-errno::EINVAL)?;
        let capacity = (length / ENTRY_LENGTH).checked_sub(1).ok_or(-errno::EINVAL)?;
        // SAFETY: the caller's contract; it is an Int32Array.
        let array = unsafe { Reference::new(env, array) }.ok_or(status::NO_ENVIRONMENT)?;
        Ok(Batch { memory, capacity, array })
    }

    /// Releases the array.
    ///
    /// # Safety
    ///
    /// `env` is the environment that the batch was made in, and current. No other method is called afterwards.
    pub unsafe fn release(&self, env: sys::napi_env) {
        // SAFETY: the caller's contract.
        unsafe { self.array.delete(env) };
    }

    /// Returns how many entries fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Writes an entry.
    pub fn write(&self, index: usize, token: i32, flags: i32) {
        debug_assert!(index < self.capacity);
        // SAFETY: within the memory, which `array` keeps alive.
        unsafe {
            self.memory.add(index * ENTRY_LENGTH).write(token);
            self.memory.add(index * ENTRY_LENGTH + 1).write(flags);
        }
    }

    /// Writes the entry of an event. `outcome` is 1 when it is set, or a negative status.
    pub fn write_outcome(&self, index: usize, slot: u32, outcome: i32) {
        self.write(index, slot as i32, if outcome < 0 { outcome } else { EVENT });
    }

    /// Tells JavaScript whether the reactor is in a turn, at the end of which the reactor reads what JavaScript has
    /// left.
    pub fn set_in_turn(&self, in_iteration: bool) {
        // SAFETY: as in `write`; the last entry is the reactor's.
        unsafe { self.memory.add(self.capacity * ENTRY_LENGTH + IN_ITERATION).write(i32::from(in_iteration)) };
    }

    /// Returns how many holders want the reactor to keep the process alive.
    pub fn holders(&self) -> i32 {
        // SAFETY: as in `write`; the last entry is the reactor's.
        unsafe { self.memory.add(self.capacity * ENTRY_LENGTH + HOLDERS).read() }
    }
}
