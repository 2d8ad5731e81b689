//! Keeps the promises of a poller: sources, an alarm, wake-ups from other threads and changes of the wall clock behind
//! one number. A set in the memory of the process, which is a source itself.
//!
//! Each member has a watch on its source. When the source becomes ready, the watch queues the member, and wakes who
//! watches the set. A poll asks the sources of the queued members. What is not ready any more leaves the queue. What is
//! ready stays in it (level-triggered), or leaves it until it is modified (one shot). Other threads may ask at the same
//! time whether the set is ready, so a member stays in the queue while its source is asked.
//!
//! **A byte that was sent before a poll is seen by it.** The kernel reports sockets, and bytes from other processes, by
//! packets, which come a moment later. So a poll asks such members that are not queued, all sockets in one call. It
//! asks a limited number of them, and goes on with the next ones in the next poll.
//!
//! **Every member has its turn.** A poll reports a limited number of members, and puts them at the end of the queue.
//!
//! **Nothing is lost.** A watch counts its calls. A member leaves the queue only if its watch was not called since
//! before its source was asked. Otherwise the set counts as ready, and the source is asked again.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

use slab::Slab;

use super::afd;
use super::alarm::Alarm;
use super::clock_watch::ClockWatch;
use super::code;
use super::descriptor;
use super::number::{AsDescriptor, AsFileno, Descriptor, Fileno, Number};
use super::source::Source;
use super::waker::Waker;
use crate::park::Wake;
use crate::readiness::{Interest, Polled, Readiness, Ready, Trigger};
use crate::sync::lock;

/// The number of members that one poll reports at most.
const REPORTED_AT_ONCE: usize = 256;

/// The number of members that one poll asks at most before their packets come.
const ASKED_AT_ONCE: usize = 64;

/// The number of members among which one poll looks for those.
const SOUGHT_AT_ONCE: usize = 1024;

/// A set of sources.
pub(crate) struct Selector {
    set: Arc<Set>,
    number: Number,
    waker: Arc<Waker>,
}

/// The set itself, which is a source.
struct Set(Mutex<State>);

#[derive(Default)]
struct State {
    members: BTreeMap<Fileno, Member>,
    /// The numbers of the members that may be ready.
    queue: VecDeque<Fileno>,
    /// The number with which the next poll begins to ask those that are not queued.
    next_asked: Fileno,
    /// Counts additions, so that a report on a member that was removed is not taken for one that was added.
    added: u64,
    watchers: Slab<Arc<dyn Wake>>,
    is_woken: bool,
    alarm: Option<(Instant, Alarm)>,
    alarm_expired: bool,
    clock: Option<ClockWatch>,
    clock_was_set: bool,
}

struct Member {
    id: u64,
    source: Arc<dyn Source>,
    watch: usize,
    token: u64,
    interest: Interest,
    trigger: Trigger,
    /// Whether it is reported: not after one shot.
    is_armed: bool,
    is_queued: bool,
    /// How often its watch was called.
    calls: u64,
}

/// What a poll needs of a member while the set is not locked.
struct Queued {
    number: Fileno,
    id: u64,
    source: Arc<dyn Source>,
    watch: usize,
    interest: Interest,
    calls: u64,
}

/// A member that a poll asks although nothing was reported of it.
struct Asked {
    number: Fileno,
    id: u64,
    source: Arc<dyn Source>,
    interest: Interest,
}

/// Queues a member when its source becomes ready.
struct MemberWatch {
    set: Weak<Set>,
    number: Fileno,
    id: u64,
}

impl Wake for MemberWatch {
    fn wake(&self) {
        if let Some(set) = self.set.upgrade() {
            set.queue(self.number, self.id);
        }
    }

    fn closed(&self) {
        if let Some(set) = self.set.upgrade() {
            // The source calls its watchers no more, so there is no watch to undo. Dropped outside of the lock.
            let _member = set.lock().take(self.number, |member| member.id == self.id);
        }
    }
}

impl Selector {
    pub(crate) fn new() -> io::Result<Selector> {
        let set = Arc::new(Set(Mutex::default()));
        let number = Number::new(Arc::downgrade(&set) as Weak<dyn Source>);
        let waker = Arc::new(Waker::new(Arc::downgrade(&set) as Weak<dyn Wake>));
        Ok(Selector { set, number, waker })
    }

    pub(crate) fn add(&self, fd: Descriptor<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        let number = fd.as_raw_fd();
        let source = descriptor::source(number)?;
        let id = {
            let mut state = self.set.lock();
            if state.members.contains_key(&number) {
                return Err(code::error(code::IS_MEMBER));
            }
            state.added += 1;
            state.added
        };
        let watcher = MemberWatch { set: Arc::downgrade(&self.set), number, id };
        let watch = source.watch(Arc::new(watcher), interest);
        let (source_of, is_armed, is_queued, calls) = (source.clone(), true, false, 0);
        let member = Member { id, source: source_of, watch, token, interest, trigger, is_armed, is_queued, calls };
        let mut state = self.set.lock();
        if state.members.contains_key(&number) {
            // Another thread has added it meanwhile.
            drop(state);
            source.unwatch(watch);
            return Err(code::error(code::IS_MEMBER));
        }
        state.members.insert(number, member);
        drop(state);
        // Its watch may have been called before it was a member.
        self.set.queue_if_ready(number, id, &*source, interest);
        Ok(())
    }

    pub(crate) fn modify(
        &self,
        fd: Descriptor<'_>,
        token: u64,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        let number = fd.as_raw_fd();
        let (id, source, watch) = {
            let mut state = self.set.lock();
            let member = state.members.get_mut(&number).ok_or_else(|| code::error(code::NO_MEMBER))?;
            (member.token, member.interest, member.trigger) = (token, interest, trigger);
            member.is_armed = true;
            (member.id, member.source.clone(), member.watch)
        };
        source.rearm(watch, interest);
        self.set.queue_if_ready(number, id, &*source, interest);
        Ok(())
    }

    pub(crate) fn remove(&self, fd: Descriptor<'_>) -> io::Result<()> {
        let member = self.set.lock().take(fd.as_raw_fd(), |_| true);
        if let Some(member) = member {
            member.source.unwatch(member.watch);
        }
        Ok(())
    }

    pub(crate) fn set_alarm(&self, delay: Option<Duration>) -> io::Result<()> {
        let at = delay.and_then(|delay| Instant::now().checked_add(delay));
        // The alarm is made before the set is locked, and the former one is dropped afterwards.
        let alarm = match at {
            Some(at) if delay != Some(Duration::ZERO) => {
                let ring = AlarmWatch(Arc::downgrade(&self.set));
                Some((at, Alarm::new(at, Arc::new(ring))?))
            }
            _ => None,
        };
        let is_due = delay == Some(Duration::ZERO);
        let _former = {
            let mut state = self.set.lock();
            state.alarm_expired = is_due;
            mem::replace(&mut state.alarm, alarm)
        };
        // An alarm that expired before it was in its place found none.
        self.set.expire();
        if is_due {
            self.set.lock().wake_watchers();
        }
        Ok(())
    }

    pub(crate) fn watch_clock(&self) -> io::Result<()> {
        if self.set.lock().clock.is_none() {
            let set = Arc::downgrade(&self.set);
            let clock = ClockWatch::new(move || {
                if let Some(set) = set.upgrade() {
                    let mut state = set.lock();
                    state.clock_was_set = true;
                    state.wake_watchers();
                }
            })?;
            let _former = self.set.lock().clock.replace(clock);
        }
        Ok(())
    }

    pub(crate) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    /// Returns true: the packets of members come a moment after these are ready.
    pub(crate) fn is_late(&self) -> bool {
        true
    }

    pub(crate) fn poll(&self, mut each: impl FnMut(Ready)) -> io::Result<Polled> {
        self.set.ask_unqueued();
        let (queued, polled) = {
            let mut state = self.set.lock();
            state.clock_was_set = false;
            let is_woken = mem::take(&mut state.is_woken);
            let polled = Polled { is_woken, alarm_expired: mem::take(&mut state.alarm_expired) };
            let queued = state.queued().take(REPORTED_AT_ONCE).collect::<Vec<_>>();
            let to_end = queued.len().min(state.queue.len());
            state.queue.rotate_left(to_end);
            (queued, polled)
        };
        for queued in queued {
            let readiness = queued.source.readiness(queued.interest);
            if !is_reported(readiness, queued.interest) {
                self.set.drop_from_queue(&queued);
            } else if let Some(token) = self.set.lock().report(&queued) {
                each(Ready { token, readiness });
            }
        }
        Ok(polled)
    }
}

impl Drop for Selector {
    fn drop(&mut self) {
        let (members, watchers, _alarm, _clock) = {
            let mut state = self.set.lock();
            state.queue.clear();
            let members = mem::take(&mut state.members);
            (members, mem::take(&mut state.watchers), state.alarm.take(), state.clock.take())
        };
        // Here and not with the set: that may be dropped by a source that calls one of its watches, and is locked.
        for member in members.into_values() {
            member.source.unwatch(member.watch);
        }
        watchers.iter().for_each(|(_, watcher)| watcher.closed());
    }
}

/// Returns whether a member is reported: a hang-up and an error always are.
fn is_reported(readiness: Readiness, interest: Interest) -> bool {
    readiness.hang_up || readiness.error || readiness.satisfies(interest)
}

impl Set {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Queues a member, and wakes the watchers of the set.
    fn queue(&self, number: Fileno, id: u64) {
        let mut state = self.lock();
        let Some(member) = state.members.get_mut(&number).filter(|member| member.id == id) else { return };
        member.calls += 1;
        let is_wanted = member.interest != Interest::default() || member.source.may_hang_up();
        if member.is_armed && is_wanted && !mem::replace(&mut member.is_queued, true) {
            state.queue.push_back(number);
            state.wake_watchers();
        }
    }

    /// Queues members that are ready, and whose packets have not come yet.
    fn ask_unqueued(&self) {
        let asked = self.lock().members_to_ask();
        let sockets: Vec<_> = asked.iter().filter_map(|each| Some((each.source.socket()?, each.interest))).collect();
        // When the system does not answer, the packets tell.
        let mut seen = afd::look(&sockets).unwrap_or_default().into_iter();
        for Asked { number, id, source, interest } in asked {
            let readiness = match source.socket() {
                Some(_) => seen.next(),
                None => Some(source.readiness(interest)),
            };
            if readiness.is_some_and(|readiness| is_reported(readiness, interest)) {
                self.queue(number, id);
            }
        }
    }

    /// Queues a member if its source is ready. If it is not, its watch will be called.
    fn queue_if_ready(&self, number: Fileno, id: u64, source: &dyn Source, interest: Interest) {
        if is_reported(source.readiness(interest), interest) {
            self.queue(number, id);
        }
    }

    /// Has the next poll report the alarm, if its time has come.
    fn expire(&self) {
        let _alarm = {
            let mut state = self.lock();
            if state.alarm.as_ref().is_none_or(|(at, _)| Instant::now() < *at) {
                return;
            }
            state.alarm_expired = true;
            state.wake_watchers();
            state.alarm.take()
        };
    }

    /// Removes a member from the queue whose source was not ready, and has its watch called again. Returns false, and
    /// leaves it there, if the watch was called meanwhile.
    fn drop_from_queue(&self, queued: &Queued) -> bool {
        let has_left = {
            let mut state = self.lock();
            match state.members.get_mut(&queued.number) {
                Some(member) if member.id == queued.id => {
                    let has_left = member.calls == queued.calls && member.interest == queued.interest;
                    if has_left && mem::take(&mut member.is_queued) {
                        state.queue.retain(|number| *number != queued.number);
                    }
                    has_left
                }
                // It was removed, and is another one's number perhaps.
                _ => return true,
            }
        };
        if has_left {
            queued.source.rearm(queued.watch, queued.interest);
        }
        has_left
    }

    /// Returns whether a poll would report something. Drops from the queue what is not ready any more.
    fn is_ready(&self) -> bool {
        let queued = {
            let state = self.lock();
            if state.is_woken || state.alarm_expired || state.clock_was_set {
                return true;
            }
            state.queued().collect::<Vec<_>>()
        };
        queued.iter().any(|queued| {
            is_reported(queued.source.readiness(queued.interest), queued.interest) || !self.drop_from_queue(queued)
        })
    }
}

impl Wake for Set {
    /// Has the next poll report a wake-up.
    fn wake(&self) {
        let mut state = self.lock();
        state.is_woken = true;
        state.wake_watchers();
    }
}

impl State {
    fn wake_watchers(&self) {
        self.watchers.iter().for_each(|(_, watcher)| watcher.wake());
    }

    /// Returns the members in the queue.
    fn queued(&self) -> impl Iterator<Item = Queued> {
        let to_queued = |number: &Fileno| {
            let member = self.members.get(number)?;
            Some(Queued {
                number: *number,
                id: member.id,
                source: member.source.clone(),
                watch: member.watch,
                interest: member.interest,
                calls: member.calls,
            })
        };
        self.queue.iter().filter_map(to_queued)
    }

    /// Returns the token of a member that is ready, unless it was removed or modified meanwhile, and so queued anew.
    fn report(&mut self, queued: &Queued) -> Option<u64> {
        let member = self.members.get_mut(&queued.number)?;
        if member.id != queued.id || member.interest != queued.interest || !member.is_armed {
            return None;
        }
        if member.trigger == Trigger::OneShot {
            member.is_armed = false;
            member.is_queued = false;
            self.queue.retain(|number| *number != queued.number);
        }
        self.members.get(&queued.number).map(|member| member.token)
    }

    /// Removes a member of which `is_it` is true.
    fn take(&mut self, number: Fileno, is_it: impl FnOnce(&Member) -> bool) -> Option<Member> {
        if !self.members.get(&number).is_some_and(is_it) {
            return None;
        }
        self.queue.retain(|queued| *queued != number);
        self.members.remove(&number)
    }

    /// Returns the next members that are not queued, and of which packets tell.
    fn members_to_ask(&mut self) -> Vec<Asked> {
        let next = self.next_asked;
        let in_turn = self.members.range(next..).chain(self.members.range(..next)).take(SOUGHT_AT_ONCE);
        let (mut asked, mut last) = (Vec::new(), None);
        for (&number, member) in in_turn {
            if asked.len() == ASKED_AT_ONCE {
                break;
            }
            last = Some(number);
            if member.is_armed && !member.is_queued && member.source.has_packets() {
                let source = member.source.clone();
                asked.push(Asked { number, id: member.id, source, interest: member.interest });
            }
        }
        self.next_asked = last.map_or(0, |last| last.saturating_add(1));
        asked
    }
}

impl Source for Set {
    fn readiness(&self, interest: Interest) -> Readiness {
        Readiness { readable: interest.readable && self.is_ready(), ..Readiness::default() }
    }

    fn watch(&self, watcher: Arc<dyn Wake>, _interest: Interest) -> usize {
        self.lock().watchers.insert(watcher)
    }

    fn unwatch(&self, watch: usize) {
        self.lock().watchers.try_remove(watch);
    }
}

/// Expires the alarm of a set.
struct AlarmWatch(Weak<Set>);

impl Wake for AlarmWatch {
    fn wake(&self) {
        if let Some(set) = self.0.upgrade() {
            set.expire();
        }
    }
}

impl AsDescriptor for Selector {
    fn as_fd(&self) -> Descriptor<'_> {
        self.number.lend()
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Selector").field("number", &self.number).finish_non_exhaustive()
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Set").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::error::Error;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

    use super::*;

    /// A source that is always readable. The one who asks next has to wait for the answer, and no other one.
    struct Slow {
        asked: Sender<()>,
        answer: Mutex<Option<Receiver<()>>>,
    }

    impl Source for Slow {
        fn readiness(&self, interest: Interest) -> Readiness {
            let answer = lock(&self.answer).take();
            if let Some(answer) = answer {
                let is_over = self.asked.send(()).is_err() || answer.recv().is_err();
                assert!(!is_over, "the test has failed");
            }
            Readiness { readable: interest.readable, ..Readiness::default() }
        }

        fn watch(&self, _watcher: Arc<dyn Wake>, _interest: Interest) -> usize {
            0
        }

        fn unwatch(&self, _watch: usize) {}
    }

    fn tokens(selector: &Selector) -> io::Result<Vec<u64>> {
        let mut tokens = Vec::new();
        selector.poll(|ready| tokens.push(ready.token))?;
        Ok(tokens)
    }

    #[test]
    fn a_poll_reports_a_member_of_which_another_thread_asks_whether_it_is_ready() -> Result<(), Box<dyn Error>> {
        let (asked, is_asked) = channel();
        let slow = Arc::new(Slow { asked, answer: Mutex::default() });
        let number = Number::new(Arc::downgrade(&slow) as Weak<dyn Source>);
        let selector = Selector::new()?;
        selector.add(number.lend(), 5, Interest::READABLE, Trigger::Level)?;
        let (answers, answer) = channel();
        *lock(&slow.answer) = Some(answer);
        let set = selector.set.clone();
        let other = thread::spawn(move || set.is_ready());
        is_asked.recv()?;
        assert_eq!(tokens(&selector)?, [5]);
        answers.send(())?;
        assert!(matches!(other.join(), Ok(true)));
        assert_eq!(tokens(&selector)?, [5], "still");
        Ok(())
    }
}
