//! Pipes, alone and between two threads.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd;

/// How many operations one sample of something short consists of: reading the clock must not count.
const BATCH: usize = 1000;

/// What a drain offers to read.
const DRAIN: usize = 512;

/// A pipe, non-blocking on both sides.
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Pipe {
    /// An empty pipe.
    pub fn new() -> io::Result<Pipe> {
        let (reader, writer) = unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        Ok(Pipe { reader, writer })
    }

    fn ring(&self) -> io::Result<()> {
        unistd::write(&self.writer, &[1])?;
        Ok(())
    }

    fn drain(&self) -> io::Result<()> {
        unistd::read(&self.reader, &mut [0; DRAIN])?;
        Ok(())
    }

    /// Sleeps until there is a byte, and takes it.
    fn wait(&self) -> io::Result<()> {
        poll(&mut [PollFd::new(self.reader.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)?;
        self.drain()
    }

    /// Nanoseconds for one write and one read, of each batch.
    pub fn write_and_read(&self, count: usize) -> io::Result<Vec<f64>> {
        let mut samples = Vec::with_capacity(count / BATCH + 1);
        for _ in 0..count.div_ceil(BATCH) {
            let before = Instant::now();
            for _ in 0..BATCH {
                self.ring()?;
                self.drain()?;
            }
            samples.push(before.elapsed().as_nanos() as f64 / BATCH as f64);
        }
        Ok(samples)
    }
}

/// A thread that answers each ring with a ring. It ends with the process.
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
                back.ring()?;
            }
        })?;
        Ok(partner)
    }

    /// Nanoseconds of each round trip.
    pub fn round_trips(&self, count: usize) -> io::Result<Vec<f64>> {
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            let before = Instant::now();
            self.there.ring()?;
            self.back.wait()?;
            samples.push(before.elapsed().as_nanos() as f64);
        }
        Ok(samples)
    }
}
