//! Reading, writing and duplicating a descriptor of the user.

use napi_derive::napi;
use waitable_event::sys::descriptor;

use crate::ffi::status;

/// Duplicates a descriptor, close-on-exec and non-blocking. Returns the copy, which the caller owns.
#[napi]
pub fn duplicate_descriptor(fd: i32) -> i32 {
    status::of(descriptor::duplicate(fd).map_err(Into::into))
}

/// Closes a descriptor that `duplicate_descriptor` returned.
#[napi]
pub fn close_descriptor(fd: i32) -> i32 {
    status::of_io_unit(descriptor::close(fd))
}

/// Reads into `buffer`. Returns the count, 0 at the end of the file.
pub fn read(fd: i32, buffer: &mut [u8]) -> i32 {
    status::of_io_count(descriptor::read(fd, buffer))
}

/// Writes what fits of `data`. Returns the count.
pub fn write(fd: i32, data: &[u8]) -> i32 {
    status::of_io_count(descriptor::write(fd, data))
}
