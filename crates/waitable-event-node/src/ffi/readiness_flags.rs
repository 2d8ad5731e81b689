//! Interest and readiness as bits of a number, in the way JavaScript knows them.

use waitable_event::{Interest, Readiness};

/// There is data to read, or the end of it.
pub const READABLE: i32 = 1;
/// There is room to write.
pub const WRITABLE: i32 = 1 << 1;
/// There is an exceptional condition.
pub const PRIORITY: i32 = 1 << 2;
/// The peer hung up.
pub const HANG_UP: i32 = 1 << 3;
/// The descriptor is in an error state.
pub const ERROR: i32 = 1 << 4;

/// Returns the interest that `flags` stand for.
pub fn to_interest(flags: i32) -> Interest {
    Interest { readable: flags & READABLE != 0, writable: flags & WRITABLE != 0, priority: flags & PRIORITY != 0 }
}

/// Returns the flags that stand for `readiness`.
pub fn from_readiness(readiness: Readiness) -> i32 {
    let bit = |set: bool, flag: i32| if set { flag } else { 0 };
    bit(readiness.readable, READABLE)
        | bit(readiness.writable, WRITABLE)
        | bit(readiness.priority, PRIORITY)
        | bit(readiness.hang_up, HANG_UP)
        | bit(readiness.error, ERROR)
}
