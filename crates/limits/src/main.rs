//! Measures what the kernel and the processor cost, on raw pipes, poll, epoll, timers, futexes and a ring in memory.
//! These are the limits for everything that is built on them.
//!
//! ```text
//! limits round-trip          two threads notify each other through pipes, and sleep in poll
//! limits park                two threads notify each other, and sleep in the standard library's park
//! limits crossbeam           the same with crossbeam's Parker
//! limits write-read          one thread writes a byte into a pipe and reads it again
//! limits queue               one thread writes numbers into a ring, and another one reads them
//! limits epoll MEMBERS       the events of an epoll with so many members, 10 of them active
//! limits timer MILLISECONDS  how late a timerfd ends a sleep in an epoll
//! ```
//!
//! It has another thread, as every Node process has. The kernel and libc need longer for a call on a descriptor that
//! another thread may close (write and read together 390 ns without and 460 ns with that thread).
//!
//! It measures on request, so that its rounds alternate with those of the other contenders. It reads the number of
//! samples from a line, and answers with a line, `{"samples":[4711,…]}`, in nanoseconds. It ends with its input.

mod members;
mod parking;
mod pipes;
mod queue;
mod timer;

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::thread;

use members::Members;
use pipes::{Partner, Pipe};
use queue::Queue;
use timer::Timer;

enum Limit {
    RoundTrip(Partner),
    Park(parking::Partner),
    WriteRead(Pipe),
    Queue(Queue),
    Epoll(Members),
    Timer(Timer),
}

impl Limit {
    fn new(arguments: &[String]) -> Result<Limit, Box<dyn Error>> {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Ok(match words[..] {
            ["round-trip"] => Limit::RoundTrip(Partner::start()?),
            ["park"] => Limit::Park(parking::Partner::with_threads()?),
            ["crossbeam"] => Limit::Park(parking::Partner::with_crossbeam()?),
            ["write-read"] => Limit::WriteRead(Pipe::new()?),
            ["queue"] => Limit::Queue(Queue::start()?),
            ["epoll", members] => Limit::Epoll(Members::new(members.parse()?)?),
            ["timer", milliseconds] => Limit::Timer(Timer::new(milliseconds.parse()?)?),
            _ => {
                let usage = "round-trip | park | crossbeam | write-read | queue | epoll MEMBERS | timer MILLISECONDS";
                return Err(format!("usage: limits {usage}").into());
            }
        })
    }

    /// Returns the nanoseconds of each sample.
    fn measure(&self, count: usize) -> Result<Vec<f64>, Box<dyn Error>> {
        Ok(match self {
            Limit::RoundTrip(partner) => partner.round_trips(count)?,
            Limit::Park(partner) => partner.round_trips(count),
            Limit::WriteRead(pipe) => pipe.write_and_read(count)?,
            Limit::Queue(queue) => vec![queue.nanoseconds_a_value(count)?],
            Limit::Epoll(members) => vec![members.nanoseconds_an_event(count)?],
            Limit::Timer(timer) => timer.lateness(count)?,
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
