//! The kqueues of this process, by number.

use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::queue::{Queue, control, last_error};
use crate::{EV_ADD, EV_ERROR, EV_RECEIPT, EVFILT_READ, kevent as Event};

type Shared = Arc<Mutex<Queue>>;

static QUEUES: LazyLock<Mutex<HashMap<c_int, Shared>>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn open() -> Result<c_int, c_int> {
    // SAFETY: makes a descriptor.
    let epoll = unsafe { libc::epoll_create1(0) };
    if epoll < 0 {
        return Err(last_error());
    }
    lock(&QUEUES).insert(epoll, Arc::new(Mutex::new(Queue::new(epoll))));
    Ok(epoll)
}

/// `close(2)` for a kqueue.
///
/// # Safety
///
/// `kqueue` is open, and nothing uses it from now on.
pub unsafe fn close(kqueue: c_int) -> c_int {
    // Before the number can be another kqueue's. The timers go with the last holder.
    lock(&QUEUES).remove(&kqueue);
    // SAFETY: the caller's contract.
    unsafe { libc::close(kqueue) }
}

pub(crate) fn kevent(kqueue: c_int, changes: &[Event], capacity: usize) -> Result<Vec<Event>, c_int> {
    let queue = lock(&QUEUES).get(&kqueue).cloned();
    let mut reports = Vec::new();
    for change in changes {
        let result = match &queue {
            Some(queue) => lock(queue).change(change),
            None => join_epoll(kqueue, change),
        };
        let errno = result.err().unwrap_or(0);
        if change.flags & EV_RECEIPT != 0 || errno != 0 {
            if reports.len() == capacity {
                return if errno == 0 { Ok(reports) } else { Err(errno) };
            }
            reports.push(Event { flags: EV_ERROR, data: errno as isize, ..*change });
        }
    }
    match &queue {
        // Receipts and events are not mixed.
        Some(queue) if reports.is_empty() && capacity > 0 => lock(queue).take_events(capacity),
        _ => Ok(reports),
    }
}

/// Adds a descriptor to an epoll that is no kqueue of ours.
fn join_epoll(epoll: c_int, change: &Event) -> Result<(), c_int> {
    if change.filter != EVFILT_READ || change.flags & !(EV_RECEIPT) != EV_ADD {
        return Err(libc::EINVAL);
    }
    control(epoll, libc::EPOLL_CTL_ADD, change.ident as c_int, libc::EPOLLIN as u32, change.ident as u64)
}
