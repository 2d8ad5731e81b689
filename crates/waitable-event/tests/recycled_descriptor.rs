//! The numbers of a closed event's descriptors are reused immediately. The test runs in a process of its own, because
//! every other thread that opens something would get the numbers.
#![cfg(all(unix, not(loom)))]

mod common;

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{Outcome, Watchdog};
use nix::unistd::{pipe, read, write};
use waitable_event::{Error, Event};

const CANARY: &[u8] = b"canary";

/// Returns a pipe that holds CANARY: a stray write adds to it, a stray read removes from it.
fn canary() -> Outcome<[OwnedFd; 2]> {
    let (reader, writer) = pipe()?;
    assert_eq!(write(&writer, CANARY)?, CANARY.len());
    Ok([reader, writer])
}

#[test]
fn no_thread_reads_or_writes_a_recycled_number_after_close() -> Outcome {
    const THREADS: usize = 4;
    let _watchdog = Watchdog::new("no_thread_reads_or_writes_a_recycled_number_after_close");
    let mut recycled = 0;
    for _ in 0..300 {
        let event = Event::new()?;
        let pipe = event.signal().doorbell()?;
        let numbers = [pipe.reader_fileno(), pipe.writer_fileno()];
        drop(pipe);
        let (start, over) = (Barrier::new(THREADS + 1), AtomicBool::new(false));
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|index| {
                    let work = if index % 2 == 0 { Event::set } else { Event::clear };
                    let (event, start, over) = (&event, &start, &over);
                    scope.spawn(move || {
                        start.wait();
                        let mut closed = false;
                        while !(closed && over.load(Ordering::Relaxed)) {
                            match work(event) {
                                Ok(()) => assert!(!closed, "a closed event came back to life"),
                                Err(Error::Closed) => closed = true,
                                Err(error) => return Err(error),
                            }
                        }
                        Ok(())
                    })
                })
                .collect();
            start.wait();
            let closed = event.close();
            // A call that was under way may hold the numbers a little longer than the first of these takes.
            let canaries = (0..4).map(|_| canary()).collect::<Outcome<Vec<_>>>();
            over.store(true, Ordering::Relaxed);
            for thread in threads {
                thread.join().map_err(|_| "a thread panicked")??;
            }
            assert!(closed);
            for [reader, writer] in canaries? {
                let mut content = [0; 64];
                let count = read(&reader, &mut content)?;
                assert_eq!(&content[..count], CANARY);
                recycled += usize::from([&reader, &writer].iter().any(|fd| numbers.contains(&fd.as_raw_fd())));
            }
            Outcome::Ok(())
        })?;
    }
    assert!(recycled > 0, "the canaries never sat on a number of the closed event: the test shows nothing");
    Ok(())
}
