//! Windows has no action for a signal: there is nothing to remember, and nothing to restore.

use std::io;

/// The action of a signal, of which there is one.
#[derive(Clone, Copy, Debug)]
pub struct Disposition(());

impl Disposition {
    /// Returns the action of a signal.
    pub fn of(_number: i32) -> io::Result<Disposition> {
        Ok(Disposition(()))
    }

    /// Returns whether both call the same handler.
    pub fn has_handler_of(&self, _other: &Disposition) -> bool {
        true
    }

    /// Returns whether it is the default action.
    pub fn is_default(&self) -> bool {
        false
    }

    /// Does nothing.
    ///
    /// # Safety
    ///
    /// None is needed. The contract is that of other systems.
    pub unsafe fn set(&self, _number: i32) -> io::Result<()> {
        Ok(())
    }
}
