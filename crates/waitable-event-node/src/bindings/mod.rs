//! The functions that JavaScript calls. Only here is `#[napi]`; this room uses all others.

pub mod clock;
pub mod datagram;
pub mod descriptor;
pub mod environment;
pub mod event;
pub mod fast;
pub mod poller;
pub mod reactor;
pub mod select;
pub mod shared_numbers;
pub mod signal;
#[cfg(all(windows, feature = "windows-tests"))]
pub mod windows_tests;
