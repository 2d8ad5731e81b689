//! What a poller is asked for, and what it reports.

/// What the caller wants to hear of a descriptor. Hang-ups and errors are always reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Data to read, or the end of it.
    pub readable: bool,
    /// Room to write.
    pub writable: bool,
    /// Exceptional conditions (POLLPRI): out-of-band data, changed sysfs attributes.
    pub priority: bool,
}

impl Interest {
    /// Interest in reading alone.
    pub const READABLE: Interest = Interest { readable: true, writable: false, priority: false };
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// There is data to read, or the end of it.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
    /// There is an exceptional condition.
    pub priority: bool,
    /// The peer hung up.
    pub hang_up: bool,
    /// The descriptor is in an error state.
    pub error: bool,
}

impl Readiness {
    /// Returns whether a select() for `interest` would return: a hang-up or an error is readable, an error is writable.
    pub fn satisfies(self, interest: Interest) -> bool {
        (interest.readable && (self.readable || self.hang_up || self.error))
            || (interest.writable && (self.writable || self.error))
            || (interest.priority && self.priority)
    }
}

/// How often a ready descriptor is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// In every poll while it is ready.
    Level,
    /// Once, then not until it is modified.
    OneShot,
}

/// One report of a poller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The token that the descriptor was added with, or that a waker was made for.
    pub token: u64,
    /// What the descriptor is ready for; nothing when a waker was called.
    pub readiness: Readiness,
}

/// What a poll found beside the reports on descriptors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// A waker was called.
    pub is_woken: bool,
    /// The alarm has expired.
    pub alarm_expired: bool,
}
