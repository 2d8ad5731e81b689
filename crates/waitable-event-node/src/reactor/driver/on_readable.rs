//! What a driver calls.

use std::os::fd::AsFd;

/// A descriptor, and what to do in the environment's thread when it is readable.
pub trait OnReadable: AsFd {
    /// Deals with what is ready.
    ///
    /// # Safety
    ///
    /// The environment in which the driver was started is current on this thread, which runs its event loop.
    unsafe fn on_readable(&self);
}
