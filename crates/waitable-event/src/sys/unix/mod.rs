//! Linux. A file is called by its mechanism (epoll, eventfd, ppoll, sigaction, timerfd), or by the type that combines
//! some.

mod clock;
pub mod descriptor;
mod epoll;
mod eventfd;
mod file_status;
mod interrupter;
mod loop_eventfd;
mod parker;
mod pipe;
mod ppoll;
mod retry;
mod rwf_nowait;
mod select;
mod sigaction;
mod signal_watch;
mod syscalls;
mod timerfd;

pub use clock::{coarse_now, monotonic_time, wall_offset};
pub(crate) use epoll::Selector;
pub use epoll::join_epoll;
pub(crate) use eventfd::Waker;
pub use interrupter::Interrupter;
pub use parker::{Looks, Parker};
pub use pipe::Pipe;
pub use ppoll::sleep;
pub use select::{Member, look, select, select_with};
pub use sigaction::Disposition;
pub use signal_watch::{OwnHandler, SignalKeeper, SignalSource, SignalWatch, deliver};
pub(crate) use timerfd::{Alarm, ClockWatch};
