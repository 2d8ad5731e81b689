//! A native thread that calls JavaScript through a threadsafe function, which is how an addon wakes Node's event loop.
//! The benchmarks alone use it.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Error, Result, Status};
use napi_derive::napi;

/// A function that receives a number. It has no error argument and an unlimited queue, and does not keep the process
/// alive.
type Callback = ThreadsafeFunction<f64, (), f64, Status, false, true>;

/// A native thread that calls a function on request.
#[napi]
#[derive(Debug)]
pub struct Caller {
    requests: Sender<u32>,
}

#[napi]
impl Caller {
    /// Starts the thread. It ends when the object is collected as garbage.
    #[napi(constructor)]
    pub fn new(function: Function<'_, f64, ()>) -> Result<Caller> {
        let callback = function.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
        let (requests, receiver) = channel();
        let spawned = thread::Builder::new().spawn(move || serve(&receiver, &callback));
        spawned.map_err(|error: io::Error| Error::from_reason(error.to_string()))?;
        Ok(Caller { requests })
    }

    /// Has the thread call the function `count` times, one call after the other.
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
