//! Descriptors beyond the 1024 that an fd_set holds.
#![cfg(all(unix, not(loom)))]

mod common;

use std::fs::File;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{Outcome, TIMEOUT, Watchdog, foreign_byte, join};
use nix::libc::rlim_t;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use waitable_event::sys::{Interrupter, Member, Parker, select};
use waitable_event::{Deadline, Event, Interest, Readiness};

#[test]
fn descriptors_above_1023_are_like_any_others() -> Outcome {
    const FILES: rlim_t = 1100;
    let _watchdog = Watchdog::new("descriptors_above_1023_are_like_any_others");
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if hard < FILES + 100 {
        println!("skipped: RLIMIT_NOFILE allows {hard} descriptors only");
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let files = (0..FILES).map(|_| File::open("/dev/null")).collect::<Result<Vec<_>, _>>()?;
    let event = Event::new()?;
    let reader = event.signal().doorbell()?.reader_fileno();
    assert!(reader > 1023);

    assert!(!event.wait(Some(Duration::from_millis(1)))?);
    let setter = thread::spawn({
        let event = event.clone();
        move || event.set()
    });
    assert!(event.wait(Some(TIMEOUT))?);
    join(setter)?;
    event.clear()?;
    assert!(!event.is_set()?);
    foreign_byte(&event)?;
    assert!(event.is_set()?);

    let interrupter = Arc::new(Interrupter::new()?);
    let parker = Parker { interrupter: &interrupter, looks: None, spin: None };
    let mut members = [Member { fd: reader, interest: Interest::READABLE, readiness: Readiness::default() }];
    assert_eq!(select(&mut members, &parker, Deadline::after(Some(TIMEOUT)))?, Some(1));
    assert!(members[0].readiness.readable);
    drop(files);
    Ok(())
}
