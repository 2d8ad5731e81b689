//! A native thread that calls JavaScript through a threadsafe function: how an addon wakes Node's event loop. Only the benchmarks
//! use it.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Error, Result, Status};
use napi_derive::napi;

/// A function that gets a number, called without an error argument, with a queue that has no limit, and that does not keep
/// the process alive.
type Callback = ThreadsafeFunction<f64, (), f64, Status, false, true>;

/// A native thread that calls a function as often as it is told to.
#[napi]
#[derive(Debug)]
pub struct Caller {
    requests: Sender<u32>,
}

#[napi]
impl Caller {
    /// Starts the thread. It ends when the object is garbage.
    #[napi(constructor)]
    pub fn new(function: Function<'_, f64, ()>) -> Result<Caller> {
        let callback = function.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
        let (requests, receiver) = channel();
        let spawned = thread::Builder::new().spawn(move || serve(&receiver, &callback));
        spawned.map_err(|error: io::Error| Error::from_reason(error.to_string()))?;
        Ok(Caller { requests })
    }

    /// Has the thread call the function so many times, one call after the other.
    #[napi]
    pub fn request(&self, count: u32) -> Result<()> {
        self.requests.send(count).map_err(|error| Error::from_reason(error.to_string()))
    }
}

fn serve(requests: &Receiver<u32>, callback: &Callback) {
    while let Ok(count) = requests.recv() {
        for _ in 0..count {
            callback.call(42.0, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
