//! What the kernel itself costs, on raw pipes, poll and epoll: the limit for everything that is built on them.
//!
//! The benchmarks talk to it in lines, so that its rounds take turns with those of the others:
//!
//! ```text
//! > round-trip 20000          two threads ring each other through pipes, and sleep in poll
//! < {"samples":[4711,…]}      nanoseconds each
//! > write-read 200000         one thread writes a byte into a pipe and takes it out again
//! > epoll 50000 10000         events of an epoll with 10 000 members, 10 of them active
//! ```
//!
//! It ends with its input.

mod members;
mod pipes;

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufRead, Write};

use members::Members;
use pipes::{Partner, Pipe};

/// What was set up for an earlier round stays for the next one.
#[derive(Default)]
struct Limits {
    partner: Option<Partner>,
    pipe: Option<Pipe>,
    members: HashMap<usize, Members>,
}

impl Limits {
    /// Nanoseconds of each sample.
    fn answer(&mut self, request: &str) -> Result<Vec<f64>, Box<dyn Error>> {
        let mut words = request.split_whitespace();
        let what = words.next().unwrap_or_default();
        let count: usize = words.next().ok_or("a count is missing")?.parse()?;
        Ok(match what {
            "round-trip" => {
                let partner = match self.partner.take() {
                    Some(partner) => partner,
                    None => Partner::start()?,
                };
                self.partner.insert(partner).round_trips(count)?
            }
            "write-read" => {
                let pipe = match self.pipe.take() {
                    Some(pipe) => pipe,
                    None => Pipe::new()?,
                };
                self.pipe.insert(pipe).write_and_read(count)?
            }
            "epoll" => {
                let size: usize = words.next().ok_or("the number of members is missing")?.parse()?;
                if !self.members.contains_key(&size) {
                    self.members.insert(size, Members::new(size)?);
                }
                let members = self.members.get(&size).ok_or("no members")?;
                vec![members.nanoseconds_an_event(count)?]
            }
            _ => return Err(format!("there is no '{what}'").into()),
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut limits = Limits::default();
    let mut output = io::stdout().lock();
    for request in io::stdin().lock().lines() {
        let samples = limits.answer(&request?)?;
        let list: Vec<String> = samples.iter().map(|sample| format!("{sample:.1}")).collect();
        writeln!(output, "{{\"samples\":[{}]}}", list.join(","))?;
        output.flush()?;
    }
    Ok(())
}
