//! What wakes Node's event loop, and what it does before it returns to that loop. [`pending_arms`] is below `events`;
//! the rest uses `events`, `pollers` and `ffi`.

pub mod driver;
pub mod pending_arms;
#[expect(clippy::module_inception, reason = "the room is called after its main type")]
pub mod reactor;
pub mod ready_loops;
pub mod turn;
