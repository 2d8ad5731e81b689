//! An event that any thread can set and any thread can wait for.
//!
//! [`Event`] is the Rust half of BACpypes' `event.WaitableEvent`: the methods of Python's `threading.Event` over a
//! pipe. So the same event can also sit among other file descriptors in `select()`, `poll()` or `epoll`, and another
//! process can set it by writing one byte.
//!
//! One wake-up takes this path: [`Event::set`] notifies the pipe and marks the state word in `state.rs`. A thread that
//! sleeps in [`Event::wait`] (`sys::Parker`) or on a [`Poller`] wakes from the pipe. `signal.rs` argues why no wake-up
//! is lost, and `tests/loom.rs` checks that argument with loom.
//!
//! ```
//! use std::{thread, time::Duration};
//! use waitable_event::Event;
//!
//! let event = Event::new()?;
//! let setter = event.clone();
//! thread::spawn(move || setter.set());
//! assert!(event.wait(Some(Duration::from_secs(10)))?);
//! event.clear()?;
//! assert!(!event.is_set()?);
//! # Ok::<(), waitable_event::Error>(())
//! ```

#[cfg(not(loom))]
mod adaptive_spin;
#[cfg(not(loom))]
mod backoff;
#[cfg(not(loom))]
mod datagram;
mod deadline;
mod doorbell;
mod error;
#[cfg(not(loom))]
mod event;
mod park;
#[cfg(not(loom))]
mod poller;
#[cfg(not(loom))]
mod readiness;
#[cfg(not(loom))]
mod registry;
mod signal;
mod state;
mod sync;
#[cfg(not(loom))]
pub mod sys;
#[cfg(not(loom))]
mod token_queue;

#[cfg(not(loom))]
pub use adaptive_spin::AdaptiveSpin;
#[cfg(not(loom))]
pub use backoff::Backoff;
#[cfg(not(loom))]
pub use datagram::{BindOptions, DatagramSocket, Interface, format_address, parse_address};
pub use deadline::Deadline;
pub use doorbell::Doorbell;
pub use error::Error;
#[cfg(not(loom))]
pub use event::{Event, WeakEvent};
pub use park::{Park, Parked, Wake};
#[cfg(not(loom))]
pub use poller::Poller;
#[cfg(not(loom))]
pub use readiness::{Interest, Polled, Readiness, Ready, Trigger};
pub use signal::{Joined, Signal};
pub use state::{Snapshot, State};
