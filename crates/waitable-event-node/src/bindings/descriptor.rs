//! Reading, writing and duplicating a descriptor of the user.

use napi::Env;
use napi_derive::napi;
use waitable_event::sys::descriptor;

use crate::environment::Environment;
use crate::ffi::errno;
use crate::ffi::status;

/// Duplicates a descriptor, close-on-exec and non-blocking. Returns the copy, which the caller owns until this
/// environment ends.
#[napi]
pub fn duplicate_descriptor(env: Env, fd: i32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    let copy = descriptor::duplicate(fd);
    if let Ok(copy) = copy {
        environment.duplicates.borrow_mut().insert(copy);
    }
    status::of(copy.map_err(Into::into))
}

/// Closes a descriptor that `duplicate_descriptor` returned.
#[napi]
pub fn close_descriptor(env: Env, fd: i32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    match environment.duplicates.borrow_mut().remove(&fd) {
        true => status::of_io_unit(descriptor::close(fd)),
        false => -errno::EBADF,
    }
}

/// Closes a number of the caller if it is a socket that `node:fs` cannot close, and returns whether it is: 1 or 0.
#[napi]
pub fn close_foreign_socket(fd: i32) -> i32 {
    i32::from(descriptor::close_socket(fd))
}

/// Prepares for other processes that get a descriptor that `duplicate_descriptor` returned.
#[napi]
pub fn share_descriptor(fd: i32) {
    descriptor::share(fd);
}

/// Returns how many bytes there are to read, or a status where the file does not tell.
#[napi]
pub fn unread_bytes(fd: i32) -> i32 {
    status::of_io_count(descriptor::unread(fd))
}

/// Returns whether a descriptor can be written and not read: 1 or 0.
#[napi]
pub fn is_write_only(fd: i32) -> i32 {
    status::of_io_count(descriptor::is_write_only(fd).map(usize::from))
}

/// Returns whether a descriptor stands for a directory: 1 or 0.
#[napi]
pub fn is_directory(fd: i32) -> i32 {
    status::of_io_count(descriptor::is_directory(fd).map(usize::from))
}

/// Returns the error number that waits in a socket, and clears it: 0 when there is none.
#[napi]
pub fn consume_error(fd: i32) -> i32 {
    status::of(descriptor::consume_error(fd).map(errno::of_system).map_err(Into::into))
}

/// Reads into `buffer`. Returns the count, 0 at the end of the file.
pub fn read(fd: i32, buffer: &mut [u8]) -> i32 {
    status::of_io_count(descriptor::read(fd, buffer))
}

/// Writes what fits of `data`. Returns the count.
pub fn write(fd: i32, data: &[u8]) -> i32 {
    status::of_io_count(descriptor::write(fd, data))
}
