//! What differs between operating systems, behind one surface:
//!
//! | name | what it is |
//! |---|---|
//! | `Pipe` | the doorbell of an event |
//! | `Interrupter`, `Parker` | how a thread sleeps on a doorbell, and how another thread ends that sleep |
//! | `Selector`, `Alarm`, `ClockWatch`, `Waker` | the parts of a [`Poller`](crate::Poller) |
//! | `select`, `sleep` | the wait for many descriptors |
//! | `SignalWatch`, `SignalSource`, `SignalKeeper` | a signal as a descriptor, and the action that it leaves behind |
//! | `Disposition`, `OwnHandler`, `deliver` | what a `SignalSource` is made of |
//! | `descriptor` | reading, writing and duplicating a descriptor of the caller |
//! | `monotonic_time`, `wall_offset`, `coarse_now` | the clocks |

#[cfg(any(target_os = "linux", target_os = "android"))]
mod unix;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use unix::*;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
compile_error!("waitable-event needs epoll, eventfd and timerfd: Linux or Android");
