//! Signals that stop a run loop of this environment.

use std::os::fd::{AsFd, AsRawFd};

use napi::Env;
use napi_derive::napi;
use waitable_event::sys::SignalWatch;

use crate::environment::Environment;
use crate::ffi::status;

/// Takes over a signal. Returns the descriptor that is readable once the signal has come; the environment owns it.
#[napi]
pub fn watch_signal(env: Env, number: i32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    match SignalWatch::new(number) {
        Ok(watch) => {
            let fd = watch.as_fd().as_raw_fd();
            environment.signals.borrow_mut().push(watch);
            fd
        }
        Err(error) => status::of_io_error(&error),
    }
}

/// Gives back the signal whose watch has this descriptor.
#[napi]
pub fn unwatch_signal(env: Env, fd: i32) {
    if let Some(environment) = Environment::of(&env) {
        environment.signals.borrow_mut().retain(|watch| watch.as_fd().as_raw_fd() != fd);
    }
}
