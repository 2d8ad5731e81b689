//! Reading, writing and duplicating a descriptor of the caller.

use std::io;
use std::sync::Arc;

use super::code;
use super::number::{Descriptor, Fileno, find};
use super::source::Source;

/// Returns what a number stands for.
///
/// # Errors
///
/// That it is not open.
pub(super) fn source(number: Fileno) -> io::Result<Arc<dyn Source>> {
    find(number)
}

/// Borrows a number that came from outside. EBADF when it can be no descriptor.
///
/// # Safety
///
/// None is needed: a number is only looked up. The contract is that of other systems.
pub unsafe fn borrow<'a>(fd: Fileno) -> io::Result<Descriptor<'a>> {
    if fd < 0 { Err(code::error(code::NOT_OPEN)) } else { Ok(Descriptor::of_number(fd)) }
}

/// Returns EBADF for a number that is not open.
pub fn check(fd: Fileno) -> io::Result<()> {
    source(fd).map(drop)
}

/// Returns whether the readiness of a descriptor is gone once it was polled: of none.
pub fn is_consumed_by_polling(_fd: Fileno) -> bool {
    false
}

/// Duplicates `fd`, and makes it non-blocking. The caller owns the new number, until [`close`].
pub fn duplicate(_fd: Fileno) -> io::Result<Fileno> {
    Err(code::error(code::UNSUPPORTED))
}

/// Prepares for others that get the descriptor `fd`, a duplicate.
pub fn share(_fd: Fileno) {}

/// Reads up to `buffer.len()` bytes, and returns the count; zero is the end.
pub fn read(_fd: Fileno, _buffer: &mut [u8]) -> io::Result<usize> {
    Err(code::error(code::NOT_OPEN))
}

/// Writes what fits of `data`, and returns the count.
pub fn write(_fd: Fileno, _data: &[u8]) -> io::Result<usize> {
    Err(code::error(code::NOT_OPEN))
}

/// Closes a number that [`duplicate`] returned.
pub fn close(_fd: Fileno) -> io::Result<()> {
    Err(code::error(code::NOT_OPEN))
}

/// Returns how many bytes there are to read.
pub fn unread(_fd: Fileno) -> io::Result<usize> {
    Err(code::error(code::NOT_OPEN))
}

/// Returns whether a descriptor can be written and not read.
pub fn is_write_only(_fd: Fileno) -> io::Result<bool> {
    Ok(false)
}

/// Returns the error that waits in a socket, and clears it: zero when there is none.
pub fn consume_error(_fd: Fileno) -> io::Result<i32> {
    Err(code::error(code::UNSUPPORTED))
}
