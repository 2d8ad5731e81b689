//! The synchronisation types, from the standard library or from loom, chosen in this one place.

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard, atomic::AtomicU32, atomic::Ordering};
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, atomic::AtomicU32, atomic::Ordering};

/// Locks `mutex`, and ignores poisoning: every critical section here is a few moves, so a thread that panicked while it
/// held the lock left the data whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
