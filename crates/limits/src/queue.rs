//! A ring from one thread to another: rtrb, with a wake-up only if the reader sleeps.

use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Thread};
use std::time::Instant;

use rtrb::{Consumer, Producer, RingBuffer};

/// The number of values that the ring holds.
const CAPACITY: usize = 1 << 16;

/// The reader's end of a ring, whose writer is another thread. That one ends with the process.
pub struct Queue {
    consumer: RefCell<Consumer<f64>>,
    is_asleep: Arc<AtomicBool>,
    requests: Sender<usize>,
}

impl Queue {
    /// Starts the writer.
    pub fn start() -> io::Result<Queue> {
        let (producer, consumer) = RingBuffer::new(CAPACITY);
        let (requests, receiver) = channel();
        let is_asleep = Arc::new(AtomicBool::new(false));
        let reader = thread::current();
        thread::Builder::new().spawn({
            let is_asleep = Arc::clone(&is_asleep);
            move || produce(&receiver, producer, &is_asleep, &reader)
        })?;
        Ok(Queue { consumer: RefCell::new(consumer), is_asleep, requests })
    }

    /// Reads `count` values, and returns the nanoseconds for one.
    pub fn nanoseconds_a_value(&self, count: usize) -> Result<f64, Box<dyn Error>> {
        let mut consumer = self.consumer.try_borrow_mut()?;
        let before = Instant::now();
        self.requests.send(count)?;
        let mut left = count;
        while left > 0 {
            if consumer.pop().is_ok() {
                left -= 1;
                continue;
            }
            self.is_asleep.store(true, Ordering::Relaxed);
            // Either this thread sees the value, or the writer sees that this thread sleeps.
            fence(Ordering::SeqCst);
            if consumer.is_empty() {
                thread::park();
            }
            self.is_asleep.store(false, Ordering::Relaxed);
        }
        Ok(before.elapsed().as_nanos() as f64 / count as f64)
    }
}

/// Runs the writer's thread.
fn produce(requests: &Receiver<usize>, mut producer: Producer<f64>, is_asleep: &AtomicBool, reader: &Thread) {
    while let Ok(count) = requests.recv() {
        for _ in 0..count {
            while producer.push(42.0).is_err() {
                thread::yield_now();
            }
            fence(Ordering::SeqCst);
            if is_asleep.load(Ordering::Relaxed) {
                is_asleep.store(false, Ordering::Relaxed);
                reader.unpark();
            }
        }
    }
}
