//! Measures what the kernel itself costs, on raw pipes, poll and epoll: the limit for everything that is built on them.
//!
//! ```text
//! limits round-trip       two threads notify each other through pipes, and sleep in poll
//! limits write-read       one thread writes a byte into a pipe and reads it again
//! limits epoll MEMBERS    the events of an epoll with so many members, 10 of them active
//! ```
//!
//! It has another thread, as every Node process has. The kernel and libc need longer for a call on a descriptor that
//! another thread may close (write and read together 390 ns without and 460 ns with that thread).
//!
//! It measures on request, so that its rounds alternate with those of the other contenders. It reads the number of
//! samples from a line, and answers with a line, `{"samples":[4711,…]}`, in nanoseconds. It ends with its input.

mod members;
mod pipes;

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::thread;

use members::Members;
use pipes::{Partner, Pipe};

enum Limit {
    RoundTrip(Partner),
    WriteRead(Pipe),
    Epoll(Members),
}

impl Limit {
    fn new(arguments: &[String]) -> Result<Limit, Box<dyn Error>> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Ok(match words[..] {
            ["round-trip"] => Limit::RoundTrip(Partner::start()?),
            ["write-read"] => Limit::WriteRead(Pipe::new()?),
            ["epoll", members] => Limit::Epoll(Members::new(members.parse()?)?),
            _ => return Err("usage: limits round-trip | write-read | epoll MEMBERS".into()),
        })
    }

    /// Returns the nanoseconds of each sample.
    fn measure(&self, count: usize) -> Result<Vec<f64>, Box<dyn Error>> {
        Ok(match self {
            Limit::RoundTrip(partner) => partner.round_trips(count)?,
            Limit::WriteRead(pipe) => pipe.write_and_read(count)?,
            Limit::Epoll(members) => vec![members.nanoseconds_an_event(count)?],
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let limit = Limit::new(&arguments)?;
    thread::Builder::new().spawn(|| {
        loop {
            thread::park();
        }
    })?;
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let samples = limit.measure(line?.trim().parse()?)?;
        let list: Vec<String> = samples.iter().map(|sample| format!("{sample:.1}")).collect();
        writeln!(output, "{{\"samples\":[{}]}}", list.join(","))?;
        output.flush()?;
    }
    Ok(())
}
