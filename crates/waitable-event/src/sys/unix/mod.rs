//! Linux: pipe, eventfd, epoll, timerfd, ppoll, sigaction.

mod clock;
pub mod descriptor;
mod epoll;
mod eventfd;
mod interrupter;
mod parker;
mod pipe;
mod ppoll;
mod select;
mod sigaction;
mod syscalls;
mod timerfd;

pub use clock::{coarse_now, monotonic_time, wall_offset};
pub(crate) use epoll::Queue;
pub(crate) use eventfd::Waker;
pub use interrupter::{Interrupter, Interruption};
pub use parker::Parker;
pub use pipe::Pipe;
pub use ppoll::sleep;
pub use select::{Member, select, select_called};
pub use sigaction::SignalWatch;
pub(crate) use timerfd::{Alarm, ClockWatch};

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
