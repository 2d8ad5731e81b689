//! Files whose size needs more than 32 bits.
#![cfg(all(unix, not(loom)))]

mod common;

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::{env, process};

use common::Outcome;
use waitable_event::sys::descriptor;

#[test]
fn a_file_of_more_than_4_gib_can_be_duplicated_and_read() -> Outcome {
    let path = env::temp_dir().join(format!("waitable-event-large-{}", process::id()));
    // It takes no room on the disk: nothing is written.
    File::create_new(&path)?.set_len(5 << 30)?;
    let file = File::open(&path);
    fs::remove_file(&path)?;

    let copy = descriptor::duplicate(file?.as_raw_fd())?;
    let mut buffer = [1; 8];
    assert_eq!(descriptor::read(copy, &mut buffer)?, 8);
    assert_eq!(buffer, [0; 8]);
    descriptor::close(copy)?;
    Ok(())
}
