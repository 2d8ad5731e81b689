//! Linux and Android.

mod clock;
mod datagram;
mod epoll;
mod eventfd;
mod loop_eventfd;
mod pipe2;
mod procfs;
mod selector;
mod syscalls;
mod timerfd;

pub(super) use super::unix::ppoll::poll_now;
pub use super::unix::ppoll::sleep;
pub(super) use clock::COARSE;
pub(super) use datagram::{SHARED_ADDRESS, datagram_socket};
pub use epoll::{has_too_many_paths, join_loop};
pub(super) use eventfd::notification;
pub(super) use loop_eventfd::{LoopEventfd, Posts, Search};
pub(super) use pipe2::pipe;
pub use procfs::is_consumed_by_polling;
pub(super) use procfs::{is_same_description, reopen_pipe, reopen_reader};
pub(crate) use selector::Selector;
pub(super) use syscalls::{read, read_nowait, write, write_nowait};
