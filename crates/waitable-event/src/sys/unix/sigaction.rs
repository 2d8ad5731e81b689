//! Keeps the promise that a signal has the action afterwards that it had before: sigaction(). A process has one action
//! for each signal, which every library can replace without the others noticing.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use nix::errno::Errno;
use nix::libc;

/// An action of sigaction().
#[derive(Clone, Copy)]
pub struct Disposition(libc::sigaction);

impl fmt::Debug for Disposition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Disposition").field(&self.0.sa_sigaction).finish()
    }
}

impl Disposition {
    /// Leaves a signal to the kernel's default.
    pub fn default_action() -> Disposition {
        // SAFETY: all zeroes are an action: the default one, without flags and with an empty mask.
        Disposition(unsafe { MaybeUninit::zeroed().assume_init() })
    }

    /// Calls `handler`, and restarts the system calls that the signal interrupts.
    pub fn handler(handler: extern "C" fn(i32)) -> Disposition {
        let mut action = Disposition::default_action().0;
        action.sa_sigaction = handler as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        Disposition(action)
    }

    /// Returns the present action of a signal.
    ///
    /// # Errors
    ///
    /// EINVAL for a number that is no signal.
    pub fn of(number: i32) -> io::Result<Disposition> {
        let mut action = MaybeUninit::zeroed();
        // SAFETY: reads the action into memory of its size.
        Errno::result(unsafe { libc::sigaction(number, ptr::null(), action.as_mut_ptr()) })?;
        // SAFETY: written by the call; all zeroes are an action, too.
        Ok(Disposition(unsafe { action.assume_init() }))
    }

    /// Makes this the action of a signal.
    ///
    /// # Errors
    ///
    /// EINVAL for a number that is no signal, or one that cannot be caught.
    ///
    /// # Safety
    ///
    /// The action came from [`Disposition::of`], or its handler is async-signal-safe and is never unloaded.
    pub unsafe fn set(&self, number: i32) -> io::Result<()> {
        // SAFETY: the caller's contract.
        Errno::result(unsafe { libc::sigaction(number, &raw const self.0, ptr::null_mut()) })?;
        Ok(())
    }

    /// Returns whether both have the same handler.
    pub fn has_handler_of(&self, other: &Disposition) -> bool {
        self.0.sa_sigaction == other.0.sa_sigaction
    }

    /// Returns whether the signal is left to the kernel's default.
    pub fn is_default(&self) -> bool {
        self.0.sa_sigaction == libc::SIG_DFL
    }
}
