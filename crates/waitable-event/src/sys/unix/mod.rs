//! What Linux, macOS and FreeBSD have in common: POSIX. A file is called by its mechanism, or by the type that it has.

mod clock;
pub mod datagram;
pub mod descriptor;
pub(super) mod file_status;
mod interrupter;
mod nowait;
mod parker;
mod pipe;
pub(super) mod poll_flags;
mod poll_selector;
mod poll_state;
mod poll_watcher;
#[cfg(not(any(target_vendor = "apple", waitable_kqueue_stand_in)))]
pub(super) mod ppoll;
pub(super) mod retry;
mod select;
mod selector;
mod sigaction;
mod signal_watch;
pub(super) mod waker;

pub use super::native::{has_too_many_paths, join_loop, sleep};
pub use clock::{coarse_now, monotonic_time, wall_offset};
pub use interrupter::Interrupter;
pub use parker::Parker;
pub use pipe::Pipe;
pub(crate) use select::await_readable;
pub use select::{Member, look, select, select_with};
pub(crate) use selector::Selector;
pub use sigaction::Disposition;
pub use signal_watch::{OwnHandler, SignalKeeper, SignalSource, SignalWatch, deliver};
pub use std::os::fd::{
    AsFd as AsDescriptor, AsRawFd as AsFileno, BorrowedFd as Descriptor, OwnedFd as OwnedDescriptor, RawFd as Fileno,
};
pub(crate) use waker::Waker;

/// Returns whether an error says that a descriptor is not open: EBADF.
pub(crate) fn is_bad_descriptor(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::EBADF as i32)
}
