//! Keeps the promise that an event is also a descriptor, which other processes can wait for and set: a pipe, which is
//! notified while there is a byte in it. (The doorbell of an event.)

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::nowait;
use super::poll_watcher::Watcher;
use super::retry::retry;
use crate::doorbell::Doorbell;
use crate::sys::native::{pipe, read, reopen_reader, write};

/// The number of bytes that one drain reads at most: more than any pipe holds by default. So a foreign writer that
/// writes without a pause cannot keep the drain busy. Bytes that came later are a later set.
const DRAIN_LIMIT: usize = 1 << 20;

/// A pipe pair, close-on-exec and non-blocking on both sides.
#[derive(Debug)]
pub struct Pipe {
    reader: OwnedFd,
    writer: ManuallyDrop<OwnedFd>,
    /// Whether a descriptor number was given out. Other processes may then have made the pipe a blocking one.
    is_shared: AtomicBool,
    /// Whether foreign code has closed the write side. Its number is no longer this pipe's.
    is_writer_gone: AtomicBool,
}

impl Pipe {
    /// Returns an empty pipe. Fails with EMFILE or ENFILE when there are no descriptors left.
    pub fn new() -> io::Result<Pipe> {
        let (reader, writer) = pipe()?;
        Ok(Pipe {
            reader,
            writer: ManuallyDrop::new(writer),
            is_shared: AtomicBool::new(false),
            is_writer_gone: AtomicBool::new(false),
        })
    }

    /// Prepares for other processes that get a descriptor of this pipe. From now on its reads and writes do not rely on
    /// O_NONBLOCK. They cost a third more then, which pipes that stay private do not pay.
    pub fn share(&self) {
        self.is_shared.store(true, Ordering::SeqCst);
    }

    /// Returns the side that is readable while the doorbell is notified.
    pub fn reader(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// Returns a read side with an open file description of its own, which the kernel counts apart from the others
    /// (`epoll.rs`).
    ///
    /// # Errors
    ///
    /// ENOTSUP where the system has no way to that. It counts nothing, then.
    pub fn separate_reader(&self) -> io::Result<OwnedFd> {
        Ok(reopen_reader(self.reader.as_fd())?)
    }

    /// Returns the number of the read side.
    pub fn reader_fileno(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// Returns the number of the side that foreign writers write to.
    pub fn writer_fileno(&self) -> RawFd {
        self.writer.as_raw_fd()
    }

    /// Returns the number of the read side, for other processes as well.
    pub fn shared_reader(&self) -> io::Result<RawFd> {
        self.share();
        Ok(self.reader_fileno())
    }

    /// Returns the number of the write side, for other processes as well.
    pub fn shared_writer(&self) -> io::Result<RawFd> {
        self.share();
        Ok(self.writer_fileno())
    }

    /// Reads up to `buffer.len()` bytes, and returns the count: zero when the pipe is empty.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let is_shared = self.is_shared.load(Ordering::Relaxed);
        let read = |buffer: &mut [u8]| match is_shared {
            true => nowait::read(&self.reader, buffer),
            false => read(&self.reader, buffer),
        };
        match retry(|| read(buffer)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }
}

impl Doorbell for Pipe {
    fn notify(&self) -> io::Result<()> {
        let is_shared = self.is_shared.load(Ordering::Relaxed);
        let write = || match is_shared {
            true => nowait::write(&*self.writer, &[1]),
            false => write(&*self.writer, &[1]),
        };
        match retry(write) {
            // A full pipe is notified.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            result => result.map(drop),
        }
    }

    fn drain(&self) -> io::Result<bool> {
        let mut buffer = [0; 512];
        let mut drained = 0;
        loop {
            let count = self.read(&mut buffer)?;
            drained += count;
            // A short read has emptied the pipe: EAGAIN need not confirm it.
            if count < buffer.len() || drained >= DRAIN_LIMIT {
                return Ok(drained > 0);
            }
        }
    }

    fn is_notified(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.reader.as_fd(), PollFlags::POLLIN)];
        if retry(|| poll(&mut fds, PollTimeout::ZERO))? == 0 {
            return Ok(false);
        }
        self.was_notified(&fds[0])
    }
}

impl Pipe {
    /// Returns whether poll() found the read side ready. EBADF when foreign code has closed one of the descriptors.
    pub(super) fn was_notified(&self, fd: &PollFd<'_>) -> io::Result<bool> {
        let revents = fd.revents().unwrap_or(PollFlags::empty());
        if revents.contains(PollFlags::POLLNVAL) {
            return Err(Errno::EBADF.into());
        }
        if revents.contains(PollFlags::POLLHUP) && !revents.contains(PollFlags::POLLIN) {
            return Err(self.on_writer_gone());
        }
        Ok(!revents.is_empty())
    }

    /// Notes that the read side has reached its end: there is no write side any more, though this pipe has not closed
    /// its own. Returns the error that says so.
    pub fn on_writer_gone(&self) -> io::Error {
        self.is_writer_gone.store(true, Ordering::SeqCst);
        Errno::EBADF.into()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        Watcher::forget(self.reader.as_raw_fd());
        // The number of a write side that foreign code has closed may be another file's by now.
        if !self.is_writer_gone.load(Ordering::SeqCst) {
            // SAFETY: the pipe is being dropped, so the field is not used again.
            unsafe { ManuallyDrop::drop(&mut self.writer) };
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::fcntl::OFlag;
    use nix::unistd;

    use super::*;

    #[test]
    fn is_notified_until_drained_however_often_it_was_notified() -> io::Result<()> {
        let pipe = Pipe::new()?;
        assert!(!pipe.is_notified()?);
        assert!(!pipe.drain()?);
        for _ in 0..2000 {
            pipe.notify()?;
        }
        assert!(pipe.is_notified()?);
        assert!(pipe.drain()?);
        assert!(!pipe.is_notified()?);
        Ok(())
    }

    #[test]
    fn a_full_pipe_is_notified_and_notify_does_not_block() -> io::Result<()> {
        let pipe = Pipe::new()?;
        let block = [0; 4096];
        while unistd::write(&*pipe.writer, &block).is_ok() {}
        pipe.notify()?;
        assert!(pipe.is_notified()?);
        assert!(pipe.drain()?);
        assert!(!pipe.is_notified()?, "one drain empties a full pipe");
        Ok(())
    }

    #[cfg(all(target_os = "linux", not(waitable_kqueue_stand_in)))]
    #[test]
    fn a_separate_reader_is_notified_with_the_pipe() -> io::Result<()> {
        let pipe = Pipe::new()?;
        let reader = pipe.separate_reader()?;
        let is_ready = || -> io::Result<bool> {
            let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
            retry(|| poll(&mut fds, PollTimeout::ZERO))?;
            pipe.was_notified(&fds[0])
        };
        assert!(!is_ready()?);
        pipe.notify()?;
        assert!(is_ready()?);
        assert!(pipe.drain()?);
        assert!(!is_ready()?);
        Ok(())
    }

    #[test]
    fn a_pipe_that_was_made_blocking_blocks_nothing() -> io::Result<()> {
        use nix::fcntl::{FcntlArg, fcntl};
        let pipe = Pipe::new()?;
        pipe.share();
        for fd in [&pipe.reader, &*pipe.writer] {
            fcntl(fd, FcntlArg::F_SETFL(OFlag::empty()))?;
        }
        assert!(!pipe.drain()?);
        assert_eq!(pipe.read(&mut [0; 8])?, 0);
        // More than a pipe holds.
        for _ in 0..(1 << 17) {
            pipe.notify()?;
        }
        assert!(pipe.drain()?);
        assert!(!pipe.is_notified()?);
        Ok(())
    }

    #[test]
    fn both_sides_are_close_on_exec_and_non_blocking() -> io::Result<()> {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        let pipe = Pipe::new()?;
        for fd in [&pipe.reader, &*pipe.writer] {
            assert!(FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD)?).contains(FdFlag::FD_CLOEXEC));
            assert!(OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?).contains(OFlag::O_NONBLOCK));
        }
        Ok(())
    }
}
