//! Signals that stop a run loop of this environment.

use napi::Env;
use napi_derive::napi;
use waitable_event::sys::{AsDescriptor, AsFileno, SignalKeeper, SignalWatch};

use crate::environment::Environment;
use crate::ffi::status;
use crate::uv_signals;

/// Watches a signal. Returns the descriptor that is readable once the signal has come; the environment owns it.
/// `shares_uv` says that this runtime has its signals from libuv.
#[napi]
pub fn watch_signal(env: Env, number: i32, shares_uv: bool) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    match SignalWatch::with(number, uv_signals::source(shares_uv)) {
        Ok(watch) => {
            let fd = watch.as_fd().as_raw_fd();
            environment.signals.borrow_mut().push(watch);
            fd
        }
        Err(error) => status::of_io_error(&error),
    }
}

/// Ends the watch with this descriptor.
#[napi]
pub fn unwatch_signal(env: Env, fd: i32) {
    if let Some(environment) = Environment::of(&env) {
        environment.signals.borrow_mut().retain(|watch| watch.as_fd().as_raw_fd() != fd);
    }
}

/// Remembers what becomes of a signal, before JavaScript begins to listen to it. Returns a status.
#[napi]
pub fn keep_signal(env: Env, number: i32) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    status::of_io_unit(SignalKeeper::new(number).map(|keeper| environment.kept_signals.borrow_mut().push(keeper)))
}

/// Is called when JavaScript listens to the signals that are kept.
#[napi]
pub fn listening_to_signals(env: Env) {
    if let Some(environment) = Environment::of(&env) {
        environment.kept_signals.borrow().iter().for_each(SignalKeeper::listening);
    }
}

/// Ends one [`keep_signal`] of this signal, when JavaScript listens no longer.
#[napi]
pub fn release_signal(env: Env, number: i32) {
    if let Some(environment) = Environment::of(&env) {
        let mut kept = environment.kept_signals.borrow_mut();
        if let Some(index) = kept.iter().position(|keeper| keeper.number() == number) {
            kept.swap_remove(index);
        }
    }
}
