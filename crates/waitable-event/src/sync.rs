//! The synchronisation types, from the standard library or from loom, chosen in this one place.

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard, atomic::AtomicU32, atomic::Ordering};
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, atomic::AtomicU32, atomic::Ordering};

/// Locks `mutex`. A thread that panicked while it held the lock leaves data that is still whole
/// (every critical section here is a few moves), so poisoning is not passed on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
