//! What JavaScript calls.

pub mod descriptor;
pub mod event;
pub mod fast;
pub mod signal;
