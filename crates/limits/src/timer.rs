//! A timerfd in an epoll.

use std::error::Error;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// A timer that ends a sleep in an epoll.
pub struct Timer {
    epoll: Epoll,
    timer: TimerFd,
    delay: Duration,
}

impl Timer {
    /// Returns a timer that will be set to `delay` milliseconds.
    pub fn new(delay: f64) -> Result<Timer, Box<dyn Error>> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        Ok(Timer { epoll, timer, delay: Duration::from_secs_f64(delay / 1e3) })
    }

    /// Sets the timer and sleeps, `count` times. Returns how many nanoseconds late each sleep ended.
    pub fn lateness(&self, count: usize) -> Result<Vec<f64>, Box<dyn Error>> {
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            let due = Instant::now() + self.delay;
            let expiration = Expiration::OneShot(TimeSpec::from_duration(self.delay));
            self.timer.set(expiration, TimerSetTimeFlags::empty())?;
            self.epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE)?;
            self.timer.wait()?;
            samples.push(due.elapsed().as_nanos() as f64);
        }
        Ok(samples)
    }
}
