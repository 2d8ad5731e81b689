//! Pollers.

pub mod batch_poller;
pub mod event_members;
