//! Signals interrupt system calls; no waiter may notice.
#![cfg(all(unix, not(loom)))]

mod common;

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::{Announcing, Outcome, TIMEOUT, Watchdog, join};
use nix::sys::pthread::{pthread_kill, pthread_self};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use waitable_event::{Error, Event};

static CAUGHT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count_signal(_: i32) {
    CAUGHT.fetch_add(1, Ordering::Relaxed);
}

/// Runs `work` in a thread that receives signals as fast as they can be sent. Each one interrupts its system call.
fn in_a_storm<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
    // Without SA_RESTART; poll() would not be restarted anyway.
    let action = SigAction::new(SigHandler::Handler(count_signal), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler adds to an atomic and does nothing else.
    unsafe { sigaction(Signal::SIGUSR1, &action) }?;
    let (tell, told) = mpsc::channel();
    let (finish, finished) = mpsc::channel::<()>();
    let victim = thread::spawn(move || {
        let _ = tell.send(pthread_self());
        let result = work();
        drop(finish);
        result
    });
    let thread = told.recv_timeout(TIMEOUT)?;
    while finished.try_recv() == Err(mpsc::TryRecvError::Empty) {
        // The number stays valid until the thread is joined.
        let _ = pthread_kill(thread, Signal::SIGUSR1);
        thread::yield_now();
    }
    Ok(join(victim))
}

#[test]
fn a_storm_of_signals_ends_no_wait_early_or_late() -> Outcome {
    let _watchdog = Watchdog::new("a_storm_of_signals_ends_no_wait_early_or_late");
    let timeout = Duration::from_millis(200);
    let before = CAUGHT.load(Ordering::Relaxed);
    let (outcome, elapsed) = in_a_storm(move || {
        let start = Instant::now();
        let outcome = Event::new().and_then(|event| event.wait(Some(timeout)));
        (outcome, start.elapsed())
    })?;
    assert!(!outcome?);
    assert!(elapsed >= timeout && elapsed < TIMEOUT, "{elapsed:?}");
    assert!(CAUGHT.load(Ordering::Relaxed) > before, "no signal arrived: the test shows nothing");
    Ok(())
}

#[test]
fn a_storm_of_signals_hides_no_set() -> Outcome {
    const ROUNDS: usize = 200;
    let _watchdog = Watchdog::new("a_storm_of_signals_hides_no_set");
    let event = Event::new()?;
    let (begun, waits) = mpsc::channel();
    let (next, turn) = mpsc::channel();
    let setter = thread::spawn({
        let event = event.clone();
        move || -> Outcome {
            for _ in 0..ROUNDS {
                waits.recv_timeout(TIMEOUT)?;
                event.set()?;
                event.clear()?;
                next.send(())?;
            }
            Ok(())
        }
    });
    let woken = in_a_storm(move || -> Outcome<usize> {
        let parker = Announcing::new(begun)?;
        let mut woken = 0;
        for _ in 0..ROUNDS {
            woken += usize::from(parker.wait(&event)?);
            turn.recv_timeout(TIMEOUT)?;
        }
        Ok(woken)
    })??;
    assert_eq!(woken, ROUNDS);
    join(setter)
}

const CHILD: &str = "WAITABLE_EVENT_STOPPED_CHILD";

/// Does the work of the child process below: one wait that times out, and one that ends when a byte arrives on standard
/// input.
fn be_the_child() -> Outcome {
    let event = Event::new()?;
    let mut output = std::io::stderr();
    let timeout = Duration::from_millis(300);
    writeln!(output, "waiting")?;
    let start = Instant::now();
    assert!(!event.wait(Some(timeout))?);
    assert!(start.elapsed() >= timeout);
    let setter = thread::spawn({
        let event = event.clone();
        move || -> Result<(), Error> {
            std::io::stdin().read_exact(&mut [0])?;
            event.set()
        }
    });
    writeln!(output, "waiting")?;
    assert!(event.wait(Some(TIMEOUT))?);
    join(setter)?;
    Ok(())
}

fn stop(child: &Child) -> Outcome<Pid> {
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    kill(pid, Signal::SIGSTOP)?;
    let status = waitpid(pid, Some(WaitPidFlag::WUNTRACED))?;
    assert!(matches!(status, WaitStatus::Stopped(..)), "{status:?}");
    Ok(pid)
}

#[test]
fn being_stopped_and_continued_changes_no_result() -> Outcome {
    if env::var_os(CHILD).is_some() {
        return be_the_child();
    }
    let _watchdog = Watchdog::new("being_stopped_and_continued_changes_no_result");
    let mut child = Command::new(env::current_exe()?)
        .args(["--exact", "being_stopped_and_continued_changes_no_result", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("no standard input")?;
    let mut lines = BufReader::new(child.stderr.take().ok_or("no standard error")?).lines();
    assert_eq!(lines.next().ok_or("the child ended")??, "waiting");
    for _ in 0..20 {
        kill(stop(&child)?, Signal::SIGCONT)?;
    }
    assert_eq!(lines.next().ok_or("the child's wait failed")??, "waiting");
    let pid = stop(&child)?;
    input.write_all(b"x")?;
    kill(pid, Signal::SIGCONT)?;
    let rest: Vec<_> = lines.map_while(Result::ok).collect();
    assert!(child.wait()?.success(), "{rest:?}");
    Ok(())
}
