//! What differs between operating systems, behind one surface:
//!
//! | name | what it is |
//! |---|---|
//! | `Pipe` | the bell of an event |
//! | `Interrupter`, `Parker` | how a thread sleeps on a bell and is called out of it |
//! | `Queue`, `Alarm`, `Waker` | what a [`Poller`](crate::Poller) is made of |
//! | `select` | the wait for many descriptors at once |
//! | `descriptor` | reading, writing and duplicating somebody's descriptor |

#[cfg(any(target_os = "linux", target_os = "android"))]
mod unix;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use unix::*;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
compile_error!("waitable-event needs epoll, eventfd and timerfd: Linux or Android");
