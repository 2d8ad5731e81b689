//! Pollers that report into memory that JavaScript reads: a run loop has one, and so has a reactor. Uses `ffi` alone.

pub mod batch_poller;
pub mod event_members;
pub mod event_pipes;
pub mod polled_members;
pub mod token;
