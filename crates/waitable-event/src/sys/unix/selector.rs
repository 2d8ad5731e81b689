//! Keeps the promises of a poller by what the system has for them.

pub(crate) use crate::sys::native::Selector;
