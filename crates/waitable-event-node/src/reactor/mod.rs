//! The reactor.

pub mod driver;
pub mod ready_loops;
pub mod turn;
