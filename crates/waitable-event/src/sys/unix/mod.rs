//! Linux: pipe, eventfd, epoll, timerfd, ppoll, sigaction.

mod alarm;
mod clock;
pub mod descriptor;
mod interrupter;
mod parker;
mod pipe;
mod queue;
mod select;
mod signals;
mod sleep;
mod transfer;
mod waker;

pub(crate) use alarm::{Alarm, ClockWatch};
pub use clock::{coarse_now, monotonic_time, wall_offset};
pub use interrupter::{Interrupter, Interruption};
pub use parker::Parker;
pub use pipe::Pipe;
pub(crate) use queue::Queue;
pub use select::{Member, select, select_called};
pub use signals::SignalWatch;
pub use sleep::sleep;
pub(crate) use waker::Waker;

use std::io;

use nix::errno::Errno;

/// Repeats `call` for as long as a signal interrupts it.
fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result.map_err(io::Error::from),
        }
    }
}
