//! Interest and readiness as poll() has them.

use nix::poll::PollFlags;

use crate::readiness::{Interest, Readiness};

/// Returns what to ask poll() for.
pub(crate) fn from_interest(interest: Interest) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::POLLIN, interest.readable);
    flags.set(PollFlags::POLLOUT, interest.writable);
    flags.set(PollFlags::POLLPRI, interest.priority);
    flags
}

/// Returns what poll() has answered; `None` when the number is not open.
pub(crate) fn to_readiness(revents: PollFlags) -> Option<Readiness> {
    (!revents.contains(PollFlags::POLLNVAL)).then(|| Readiness {
        readable: revents.contains(PollFlags::POLLIN),
        writable: revents.contains(PollFlags::POLLOUT),
        priority: revents.contains(PollFlags::POLLPRI),
        hang_up: revents.contains(PollFlags::POLLHUP),
        error: revents.contains(PollFlags::POLLERR),
    })
}
