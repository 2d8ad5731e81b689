//! What differs between operating systems, behind one surface:
//!
//! | name | what it is |
//! |---|---|
//! | `Pipe` | the doorbell of an event |
//! | `Interrupter`, `Parker` | how a thread sleeps on a doorbell, and how another thread ends that sleep |
//! | `Selector`, `Waker` | the parts of a [`Poller`](crate::Poller) |
//! | `select`, `sleep` | the wait for many descriptors |
//! | `SignalWatch`, `SignalSource`, `SignalKeeper` | a signal as a descriptor, and the action that it leaves behind |
//! | `Disposition`, `OwnHandler`, `deliver` | what a `SignalSource` is made of |
//! | `descriptor` | reading, writing and duplicating a descriptor of the caller |
//! | `datagram` | a UDP socket of its own: what the standard library does not have |
//! | `Fileno`, `Descriptor`, `OwnedDescriptor`, `AsDescriptor` | a descriptor: its number, borrowed, owned, lent |
//! | `monotonic_time`, `wall_offset`, `coarse_now` | the clocks |
//!
//! `unix/` has what POSIX has. `linux/` has what Linux alone has, and `bsd/` what macOS and FreeBSD have in its place:
//! to `unix/` either of them is `native`. `windows/` has all of it for Windows. A file names the promise that it keeps,
//! and the system call that keeps it.

mod clock_offset;
mod looks;
pub use looks::Looks;
mod received;
pub use received::Received;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(all(any(target_os = "linux", target_os = "android"), not(waitable_kqueue_stand_in)))]
mod linux;
#[cfg(all(any(target_os = "linux", target_os = "android"), not(waitable_kqueue_stand_in)))]
use linux as native;

#[cfg(any(target_vendor = "apple", target_os = "freebsd", waitable_kqueue_stand_in))]
mod bsd;
#[cfg(any(target_vendor = "apple", target_os = "freebsd", waitable_kqueue_stand_in))]
use bsd as native;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

#[cfg(not(any(windows, target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd")))]
compile_error!("waitable-event has no backend for this operating system");
