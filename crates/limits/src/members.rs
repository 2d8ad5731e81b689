//! An epoll with many members, of which few are active.

use std::env;
use std::error::Error;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process;
use std::time::Instant;

use nix::fcntl::{OFlag, open};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::Mode;
use nix::unistd::{self, mkfifo};

/// How many members always have something to read.
const ACTIVE: usize = 10;

/// The number of events in one pass at most.
const BATCH: usize = 256;

/// FIFOs in one epoll. Each is open once, for reading and writing.
pub struct Members {
    epoll: Epoll,
    fifos: Vec<OwnedFd>,
}

impl Members {
    /// Returns `size` members; the active ones are spread evenly among them.
    pub fn new(size: usize) -> Result<Members, Box<dyn Error>> {
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, most, most)?;

        // In memory: the times of a FIFO on a disk are written to the disk's journal, which costs more than the rest.
        let memory = Path::new("/dev/shm");
        let parent = if memory.exists() { memory.to_owned() } else { env::temp_dir() };
        let directory = parent.join(format!("limits-{}-{size}", process::id()));
        fs::create_dir(&directory)?;
        let members = Members::in_directory(size, &directory);
        fs::remove_dir_all(&directory)?;
        members
    }

    fn in_directory(size: usize, directory: &Path) -> Result<Members, Box<dyn Error>> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut fifos = Vec::with_capacity(size);
        for index in 0..size {
            let path = directory.join(index.to_string());
            mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
            let fifo = open(&path, OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty())?;
            epoll.add(&fifo, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
            if index % (size / ACTIVE) == 0 {
                unistd::write(&fifo, &[1])?;
            }
            fifos.push(fifo);
        }
        Ok(Members { epoll, fifos })
    }

    /// Reads the byte of each ready member and writes it again, `count` times. Returns the nanoseconds for one event.
    pub fn nanoseconds_an_event(&self, count: usize) -> Result<f64, Box<dyn Error>> {
        let mut events = [EpollEvent::empty(); BATCH];
        let mut done = 0;
        let before = Instant::now();
        while done < count {
            let ready = self.epoll.wait(&mut events, EpollTimeout::NONE)?;
            for event in &events[..ready] {
                let fifo = usize::try_from(event.data()).ok().and_then(|index| self.fifos.get(index));
                let fifo = fifo.ok_or("an event of no member")?;
                unistd::read(fifo, &mut [0])?;
                unistd::write(fifo, &[1])?;
            }
            done += ready;
        }
        Ok(before.elapsed().as_nanos() as f64 / done as f64)
    }
}
