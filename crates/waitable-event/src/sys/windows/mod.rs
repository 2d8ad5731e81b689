//! What Windows has. There is no descriptor that all things share, and so no set of the kernel that holds all of them.
//! What this package makes itself (the doorbell of an event, a poller, a signal) is a [`Source`](source::Source) in the
//! memory of the process, under a number of its own. A thread sleeps on a completion port, to which every source that
//! it watches posts. Sockets are sources, too: the kernel tells of them by a completion port.

mod afd;
mod alarm;
mod clock;
mod clock_watch;
mod code;
pub mod datagram;
pub mod descriptor;
mod disposition;
mod files;
mod inbound;
mod interrupter;
mod level;
mod number;
mod operations;
mod outbound;
mod parker;
mod pipe;
mod port;
mod select;
mod selector;
mod signal_watch;
mod sleepers;
mod source;
mod waker;

pub use clock::{coarse_now, monotonic_time, wall_offset};
pub use disposition::Disposition;
pub use files::{FileNumbers, use_file_numbers};
pub use interrupter::{Interrupter, LoopPort};
pub use number::{AsDescriptor, AsFileno, Descriptor, Fileno, OwnedDescriptor};
pub use parker::Parker;
pub use pipe::Pipe;
pub(crate) use select::await_readable;
pub use select::{Member, look, select, select_with};
pub(crate) use selector::Selector;
pub use signal_watch::{OwnHandler, SignalKeeper, SignalSource, SignalWatch, deliver};
pub use sleepers::{is_thread_asleep, thread_id};
pub(crate) use waker::Waker;

/// Returns whether an error says that a descriptor is not open.
pub(crate) fn is_bad_descriptor(error: &std::io::Error) -> bool {
    code::is(error, code::NOT_OPEN)
}

/// Returns false: a source may be in any number of pollers.
pub fn has_too_many_paths(_error: &std::io::Error) -> bool {
    false
}
