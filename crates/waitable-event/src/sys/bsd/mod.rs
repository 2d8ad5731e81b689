//! macOS and FreeBSD.

mod clock;
mod clock_watch;
mod datagram;
mod files;
mod filters;
mod kqueue;
mod loop_eventfd;
mod pipe;
#[cfg(any(target_vendor = "apple", waitable_kqueue_stand_in))]
mod pselect;
mod selector;
mod syscalls;

#[cfg(not(any(target_vendor = "apple", waitable_kqueue_stand_in)))]
pub(super) use super::unix::ppoll::poll_now;
#[cfg(not(any(target_vendor = "apple", waitable_kqueue_stand_in)))]
pub use super::unix::ppoll::sleep;
pub(super) use clock::COARSE;
pub(super) use datagram::{SHARED_ADDRESS, datagram_socket};
pub use files::is_consumed_by_polling;
pub(super) use files::{is_same_description, reopen_pipe, reopen_reader};
pub use kqueue::{has_too_many_paths, join_loop};
pub(super) use loop_eventfd::{LoopEventfd, Posts, Search};
pub(super) use pipe::{notification, pipe};
#[cfg(any(target_vendor = "apple", waitable_kqueue_stand_in))]
pub(super) use pselect::poll_now;
#[cfg(any(target_vendor = "apple", waitable_kqueue_stand_in))]
pub use pselect::sleep;
pub(crate) use selector::Selector;
pub(super) use syscalls::{read, read_nowait, write, write_nowait};
