//! Events.

pub mod watch;
