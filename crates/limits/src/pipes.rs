//! Pipes, alone and between two threads.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd;

/// The number of operations in one sample of something short: reading the clock must not count.
const BATCH: usize = 1000;

/// The number of bytes that a drain reads at most.
const DRAIN: usize = 512;

/// A pipe, non-blocking on both sides.
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Pipe {
    /// Returns an empty pipe.
    pub fn new() -> io::Result<Pipe> {
        let (reader, writer) = unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        Ok(Pipe { reader, writer })
    }

    fn notify(&self) -> io::Result<()> {
        unistd::write(&self.writer, &[1])?;
        Ok(())
    }

    fn drain(&self) -> io::Result<()> {
        unistd::read(&self.reader, &mut [0; DRAIN])?;
        Ok(())
    }

    /// Sleeps until there is a byte, and reads it.
    fn wait(&self) -> io::Result<()> {
        poll(&mut [PollFd::new(self.reader.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)?;
        self.drain()
    }

    /// Returns the nanoseconds for one write and one read, of each batch.
    pub fn write_and_read(&self, count: usize) -> io::Result<Vec<f64>> {
        let mut samples = Vec::with_capacity(count / BATCH + 1);
        for _ in 0..count.div_ceil(BATCH) {
            let before = Instant::now();
            for _ in 0..BATCH {
                self.notify()?;
                self.drain()?;
            }
            samples.push(before.elapsed().as_nanos() as f64 / BATCH as f64);
        }
        Ok(samples)
    }
}

/// A thread that answers each notification with one of its own. It ends with the process.
pub struct Partner {
    there: Arc<Pipe>,
    back: Arc<Pipe>,
}

impl Partner {
    /// Starts the thread.
    pub fn start() -> io::Result<Partner> {
        let there = Arc::new(Pipe::new()?);
        let back = Arc::new(Pipe::new()?);
        let partner = Partner { there: Arc::clone(&there), back: Arc::clone(&back) };
        thread::Builder::new().spawn(move || -> io::Result<()> {
            loop {
                there.wait()?;
                back.notify()?;
            }
        })?;
        Ok(partner)
    }

    /// Returns the nanoseconds of each round trip.
    pub fn round_trips(&self, count: usize) -> io::Result<Vec<f64>> {
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            let before = Instant::now();
            self.there.notify()?;
            self.back.wait()?;
            samples.push(before.elapsed().as_nanos() as f64);
        }
        Ok(samples)
    }
}
