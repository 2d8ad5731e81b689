//! What a driver calls.

use waitable_event::sys::AsDescriptor;

/// A descriptor, and what to do in the environment's thread when it is readable.
pub trait OnReadable: AsDescriptor {
    /// Deals with what is ready.
    ///
    /// # Safety
    ///
    /// The environment in which the driver was started is current on this thread, which runs its event loop.
    unsafe fn on_readable(&self);

    /// Deals with a failure of the driver, which has the number `errno`. The driver goes on and may fail again.
    ///
    /// # Safety
    ///
    /// As for [`OnReadable::on_readable`].
    unsafe fn on_failed(&self, errno: i32);
}
