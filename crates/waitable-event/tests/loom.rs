//! Model checking of the protocol: loom runs each closure under every interleaving of its threads (with a bound on
//! preemptions) and under every value that the memory model lets a load return.
//!
//! The state word, the signal and its waiter list are the real code. The kernel is a model: a pipe is a count of bytes,
//! and poll() is a sleep on a condition variable that reads the count again when it wakes.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p waitable-event --test loom --release
//! ```
//!
//! A lost wake-up shows as a deadlock, which loom reports. A model that fails may end the process, because destructors
//! then run outside the model. Read the first panic, which `-- --nocapture` shows.
#![cfg(loom)]

use std::io;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
use loom::thread::{self, JoinHandle};
use waitable_event::{Deadline, Doorbell, Error, Park, Parked, Signal, State, Wake};

/// The number of preemptions that a model explores unless LOOM_MAX_PREEMPTIONS says otherwise.
const PREEMPTIONS: usize = 3;

/// The same for models of four threads, which would take minutes with one more.
const FEWER_PREEMPTIONS: usize = 2;

type Set = fn(&Signal<ModelPipe>) -> Result<(), Error>;

/// The two ways to set: from Rust, and from JavaScript, which reads the word and calls Rust only if it has to.
const SETTERS: [Set; 2] = [Signal::set, set_unless_set];

fn set_unless_set(signal: &Signal<ModelPipe>) -> Result<(), Error> {
    if signal.state().observe().is_set() { Ok(()) } else { signal.set() }
}

fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.check(model);
}

/// What the kernel knows of one pipe and of the threads that sleep on it.
#[derive(Default)]
struct PipeState {
    bytes: usize,
    closed: bool,
    /// How many waits have begun. They must not miss what happens from then on.
    begun: usize,
    /// By waiter: its waker was called, and the waiter has not consumed the call yet.
    called: [bool; 2],
    /// By waiter: it has left, and its waker must not be called any more.
    gone: [bool; 2],
}

#[derive(Default)]
struct Kernel {
    pipe: Mutex<PipeState>,
    changed: Condvar,
}

impl Kernel {
    fn pipe(&self) -> MutexGuard<'_, PipeState> {
        self.pipe.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut PipeState)) {
        change(&mut self.pipe());
        self.changed.notify_all();
    }

    /// Sleeps until `poll` finds something. It polls only when awake: what came and went before this thread woke was
    /// never there.
    fn sleep<T>(&self, mut poll: impl FnMut(&mut PipeState) -> Option<T>) -> T {
        let mut pipe = self.pipe();
        loop {
            if let Some(found) = poll(&mut pipe) {
                return found;
            }
            pipe = self.changed.wait(pipe).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

/// The doorbell; its drop is the close() of the descriptors.
struct ModelPipe(Arc<Kernel>);

impl Doorbell for ModelPipe {
    fn notify(&self) -> io::Result<()> {
        self.0.change(|pipe| {
            assert!(!pipe.closed, "a write to a closed descriptor");
            pipe.bytes += 1;
        });
        Ok(())
    }

    fn drain(&self) -> io::Result<bool> {
        let mut pipe = self.0.pipe();
        assert!(!pipe.closed, "a read from a closed descriptor");
        Ok(std::mem::take(&mut pipe.bytes) > 0)
    }

    fn is_notified(&self) -> io::Result<bool> {
        let pipe = self.0.pipe();
        assert!(!pipe.closed, "a poll of a closed descriptor");
        Ok(pipe.bytes > 0)
    }
}

impl Drop for ModelPipe {
    fn drop(&mut self) {
        self.0.change(|pipe| {
            assert!(!pipe.closed, "a descriptor closed twice");
            pipe.closed = true;
        });
    }
}

/// How waiter number `id` sleeps.
struct ModelParker {
    kernel: Arc<Kernel>,
    id: usize,
}

struct ModelWaker {
    kernel: Arc<Kernel>,
    id: usize,
}

impl Wake for ModelWaker {
    fn wake(&self) {
        self.kernel.change(|pipe| {
            assert!(!pipe.gone[self.id], "a waiter called after it had left");
            pipe.called[self.id] = true;
        });
    }
}

impl Park<ModelPipe> for ModelParker {
    fn waker(&self) -> Arc<dyn Wake> {
        self.kernel.change(|pipe| pipe.begun += 1);
        // loom's Arc coerces to a trait object only by way of a unique Arc of the standard library.
        Arc::from_std(std::sync::Arc::new(ModelWaker { kernel: self.kernel.clone(), id: self.id }))
    }

    fn park(&self, doorbell: &ModelPipe, _: Deadline) -> io::Result<Parked> {
        doorbell.0.sleep(|pipe| {
            assert!(!pipe.closed, "a poll of a closed descriptor");
            if pipe.bytes > 0 {
                return Some(Ok(Parked::Notified));
            }
            std::mem::take(&mut pipe.called[self.id]).then_some(Ok(Parked::Woken))
        })
    }
}

/// An event over a model kernel.
#[derive(Clone)]
struct Model {
    kernel: Arc<Kernel>,
    signal: Arc<Signal<ModelPipe>>,
}

impl Model {
    fn new() -> Model {
        let kernel = Arc::new(Kernel::default());
        let signal = Arc::new(Signal::new(State::new(), ModelPipe(kernel.clone())));
        Model { kernel, signal }
    }

    fn spawn<T: 'static>(&self, work: impl FnOnce(&Model) -> T + 'static) -> JoinHandle<T> {
        let model = self.clone();
        thread::spawn(move || work(&model))
    }

    fn spawn_waiters(&self, count: usize) -> Vec<JoinHandle<Result<bool, Error>>> {
        (0..count).map(|id| self.spawn(move |model| model.wait(id))).collect()
    }

    fn wait(&self, id: usize) -> Result<bool, Error> {
        let parker = ModelParker { kernel: self.kernel.clone(), id };
        let outcome = self.signal.wait(&parker, Deadline::NEVER);
        self.kernel.pipe().gone[id] = true;
        outcome
    }

    /// Returns when `count` waits have begun. They may sleep already, or be anywhere before that.
    fn until_waits_have_begun(&self, count: usize) {
        self.kernel.sleep(|pipe| (pipe.begun == count).then_some(()));
    }

    /// Writes one byte, as a writer does that knows nothing of the word.
    fn foreign_byte(&self) {
        self.kernel.change(|pipe| pipe.bytes += 1);
    }

    fn is_notified(&self) -> bool {
        self.kernel.pipe().bytes > 0
    }

    /// Asserts what must hold whenever no call is under way: the descriptor of a set event says that it is set, and the
    /// next set() and the next clear() work.
    fn assert_sound(&self) {
        if self.signal.state().observe().is_set() {
            assert!(self.is_notified(), "the word says set and the doorbell is drained");
        }
        assert_ok(self.signal.set());
        assert!(self.is_notified(), "a set() was swallowed");
        assert_ok(self.signal.clear());
        self.assert_clear();
    }

    fn assert_clear(&self) {
        assert!(!self.signal.state().observe().is_set(), "the word stayed set");
        assert!(!self.is_notified(), "the doorbell stayed notified");
    }
}

fn join<T>(handle: JoinHandle<T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn assert_ok(outcome: Result<(), Error>) {
    assert!(outcome.is_ok(), "{outcome:?}");
}

fn assert_woken(waiters: Vec<JoinHandle<Result<bool, Error>>>) {
    for waiter in waiters {
        let outcome = join(waiter);
        assert!(matches!(outcome, Ok(true)), "{outcome:?}");
    }
}

fn is_closed<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Closed))
}

#[test]
fn a_set_wakes_every_waiter() {
    for count in [1, 2] {
        for set in SETTERS {
            check(PREEMPTIONS, move || {
                let model = Model::new();
                let waiters = model.spawn_waiters(count);
                assert_ok(set(&model.signal));
                assert_woken(waiters);
                assert!(matches!(model.signal.is_set(), Ok(true)));
                model.assert_sound();
            });
        }
    }
}

#[test]
fn a_set_that_is_cleared_immediately_releases_every_wait_that_had_begun() {
    for (count, preemptions) in [(1, PREEMPTIONS), (2, FEWER_PREEMPTIONS)] {
        check(preemptions, move || {
            let model = Model::new();
            let waiters = model.spawn_waiters(count);
            model.until_waits_have_begun(count);
            assert_ok(model.signal.set());
            assert_ok(model.signal.clear());
            assert_woken(waiters);
            model.assert_clear();
        });
    }
}

#[test]
fn a_set_against_a_clear_releases_a_wait_that_had_begun() {
    for set in SETTERS {
        check(FEWER_PREEMPTIONS, move || {
            let model = Model::new();
            let waiters = model.spawn_waiters(1);
            model.until_waits_have_begun(1);
            let clearer = model.spawn(|model| model.signal.clear());
            assert_ok(set(&model.signal));
            assert_ok(join(clearer));
            assert_woken(waiters);
            model.assert_sound();
        });
    }
}

#[test]
fn a_set_against_two_clears_releases_a_wait_that_had_begun() {
    check(FEWER_PREEMPTIONS, || {
        let model = Model::new();
        let waiters = model.spawn_waiters(1);
        model.until_waits_have_begun(1);
        let clearer = model.spawn(|model| model.signal.clear());
        assert_ok(model.signal.set());
        assert_ok(model.signal.clear());
        assert_ok(join(clearer));
        assert_woken(waiters);
    });
}

#[test]
fn a_wait_without_a_deadline_returns_however_set_and_clear_fall() {
    check(PREEMPTIONS, || {
        let model = Model::new();
        let waiters = model.spawn_waiters(1);
        assert_ok(model.signal.set());
        assert_ok(model.signal.clear());
        // For the wait that begins after all that.
        assert_ok(model.signal.set());
        assert_woken(waiters);
    });
}

#[test]
fn a_waiter_that_joins_by_hand_sees_a_set_that_is_cleared_immediately() {
    check(PREEMPTIONS, || {
        let model = Model::new();
        let joiner = model.spawn(|model| {
            let parker = ModelParker { kernel: model.kernel.clone(), id: 0 };
            let joined = model.signal.join(parker.waker())?;
            let snapshot = model.signal.state().observe();
            // The second count: now it is in the list and knows the epoch.
            model.kernel.change(|pipe| pipe.begun += 1);
            let outcome = loop {
                if let Some(outcome) = model.signal.outcome(snapshot) {
                    break outcome;
                }
                if parker.park(&joined.doorbell, Deadline::NEVER)? == Parked::Notified {
                    break Ok(true);
                }
            };
            model.signal.leave(joined.waiter_id);
            model.kernel.pipe().gone[0] = true;
            outcome
        });
        model.until_waits_have_begun(2);
        assert_ok(model.signal.set());
        assert_ok(model.signal.clear());
        assert_woken(vec![joiner]);
    });
}

#[test]
fn set_against_clear_never_leaves_a_set_word_with_a_drained_doorbell() {
    for set in SETTERS {
        for set_before in [false, true] {
            check(PREEMPTIONS, move || {
                let model = Model::new();
                if set_before {
                    assert_ok(model.signal.set());
                }
                let setter = model.spawn(move |model| set(&model.signal));
                assert_ok(model.signal.clear());
                assert_ok(join(setter));
                model.assert_sound();
            });
        }
    }
}

#[test]
fn two_clears_against_a_set_never_leave_a_set_word_with_a_drained_doorbell() {
    for set in SETTERS {
        for set_before in [false, true] {
            check(PREEMPTIONS, move || {
                let model = Model::new();
                if set_before {
                    assert_ok(model.signal.set());
                }
                let clearers = [(); 2].map(|()| model.spawn(|model| model.signal.clear()));
                assert_ok(set(&model.signal));
                clearers.into_iter().map(join).for_each(assert_ok);
                model.assert_sound();
            });
        }
    }
}

#[test]
fn two_sets_against_a_clear_never_leave_a_set_word_with_a_drained_doorbell() {
    check(PREEMPTIONS, || {
        let model = Model::new();
        let setters = SETTERS.map(|set| model.spawn(move |model| set(&model.signal)));
        assert_ok(model.signal.clear());
        setters.into_iter().map(join).for_each(assert_ok);
        model.assert_sound();
    });
}

#[test]
fn one_clear_is_enough_for_two_concurrent_sets() {
    for set in SETTERS {
        check(PREEMPTIONS, move || {
            let model = Model::new();
            let setter = model.spawn(move |model| set(&model.signal));
            assert_ok(set(&model.signal));
            assert_ok(join(setter));
            assert!(matches!(model.signal.is_set(), Ok(true)));
            assert_ok(model.signal.clear());
            model.assert_clear();
            model.assert_sound();
        });
    }
}

/// As soon as the waiter has seen the set(), the setter's call may be anywhere after the notification.
#[test]
fn one_set_is_seen_and_cleared_once() {
    for set in SETTERS {
        check(PREEMPTIONS, move || {
            let model = Model::new();
            let setter = model.spawn(move |model| set(&model.signal));
            let outcome = model.wait(0);
            assert!(matches!(outcome, Ok(true)), "{outcome:?}");
            assert_ok(model.signal.clear());
            model.assert_clear();
            assert_ok(join(setter));
            model.assert_clear();
        });
    }
}

/// A second edge would end a wait that began between the two clears.
#[test]
fn two_concurrent_clears_count_no_edge_of_their_own() {
    check(PREEMPTIONS, || {
        let model = Model::new();
        assert_ok(model.signal.set());
        let clearer = model.spawn(|model| model.signal.clear());
        assert_ok(model.signal.clear());
        assert_ok(join(clearer));
        assert_eq!(model.signal.state().observe().epoch(), 1);
        model.assert_clear();
    });
}

#[test]
fn a_foreign_byte_wakes_every_waiter() {
    for count in [1, 2] {
        check(PREEMPTIONS, move || {
            let model = Model::new();
            let waiters = model.spawn_waiters(count);
            model.foreign_byte();
            assert_woken(waiters);
            assert!(matches!(model.signal.is_set(), Ok(true)));
            assert_ok(model.signal.clear());
            model.assert_clear();
        });
    }
}

#[test]
fn a_foreign_byte_that_is_cleared_immediately_releases_every_wait_that_had_begun() {
    for (count, preemptions) in [(1, PREEMPTIONS), (2, FEWER_PREEMPTIONS)] {
        check(preemptions, move || {
            let model = Model::new();
            let waiters = model.spawn_waiters(count);
            model.until_waits_have_begun(count);
            model.foreign_byte();
            assert_ok(model.signal.clear());
            assert_woken(waiters);
            model.assert_clear();
        });
    }
}

#[test]
fn a_foreign_byte_against_a_set_and_a_clear_releases_a_wait_that_had_begun() {
    check(FEWER_PREEMPTIONS, || {
        let model = Model::new();
        let waiters = model.spawn_waiters(1);
        model.until_waits_have_begun(1);
        let clearer = model.spawn(|model| model.signal.clear());
        model.foreign_byte();
        assert_ok(model.signal.clear());
        assert_ok(join(clearer));
        assert_woken(waiters);
        model.assert_sound();
    });
    check(PREEMPTIONS, || {
        let model = Model::new();
        let setter = model.spawn(|model| model.signal.set());
        let clearer = model.spawn(|model| model.signal.clear());
        model.foreign_byte();
        assert_ok(join(setter));
        assert_ok(join(clearer));
        model.assert_sound();
    });
}

#[test]
fn close_releases_every_waiter_with_closed() {
    for count in [1, 2] {
        check(PREEMPTIONS, move || {
            let model = Model::new();
            let waiters = model.spawn_waiters(count);
            assert!(model.signal.close());
            for waiter in waiters {
                let outcome = join(waiter);
                assert!(is_closed(&outcome), "{outcome:?}");
            }
            assert!(model.kernel.pipe().closed, "the descriptors outlived the close and the waiters");
        });
    }
}

#[test]
fn close_against_set_and_wait_leaves_no_thread_stuck() {
    check(FEWER_PREEMPTIONS, || {
        let model = Model::new();
        let waiters = model.spawn_waiters(1);
        let setter = model.spawn(|model| model.signal.set());
        assert!(model.signal.close());
        for waiter in waiters {
            let outcome = join(waiter);
            assert!(matches!(outcome, Ok(true) | Err(Error::Closed)), "{outcome:?}");
        }
        let outcome = join(setter);
        assert!(matches!(outcome, Ok(()) | Err(Error::Closed)), "{outcome:?}");
        assert!(model.kernel.pipe().closed);
    });
}

#[test]
fn close_drops_the_doorbell_once_and_no_thread_notifies_or_drains_it_afterwards() {
    for set in SETTERS {
        check(PREEMPTIONS, move || {
            let model = Model::new();
            let setter = model.spawn(move |model| set(&model.signal));
            let clearer = model.spawn(|model| model.signal.clear());
            assert!(model.signal.close());
            for outcome in [join(setter), join(clearer)] {
                assert!(matches!(outcome, Ok(()) | Err(Error::Closed)), "{outcome:?}");
            }
            assert!(model.kernel.pipe().closed, "the descriptors outlived the close and the setter");
            assert!(is_closed(&model.signal.set()));
            assert!(is_closed(&model.signal.clear()));
            assert!(is_closed(&model.signal.is_set()));
            assert!(is_closed(&model.wait(0)));
        });
    }
}

#[test]
fn of_two_closes_one_did_it_and_both_return_to_a_closed_event() {
    check(PREEMPTIONS, || {
        let model = Model::new();
        let closer = model.spawn(|model| {
            let did_it = model.signal.close();
            assert!(is_closed(&model.signal.set()), "close() returned, and a later set() did not fail");
            did_it
        });
        let here = model.signal.close();
        assert!(is_closed(&model.signal.clear()), "close() returned, and a later clear() did not fail");
        assert!(join(closer) ^ here);
        assert!(model.kernel.pipe().closed);
    });
}

/// Each producer writes and sets. The consumer waits, clears and reads until it has seen everything. If a write before
/// a set() were not visible after the clear() that follows it, the consumer would wait forever. The data is relaxed, so
/// that the event alone carries the order.
#[test]
fn what_was_written_before_a_set_is_visible_after_the_clear() {
    for set in SETTERS {
        check(FEWER_PREEMPTIONS, move || {
            let model = Model::new();
            let data = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
            for producer in 0..data.len() {
                let data = data.clone();
                model.spawn(move |model| {
                    data[producer].store(1, Ordering::Relaxed);
                    assert_ok(set(&model.signal));
                });
            }
            loop {
                let outcome = model.wait(0);
                assert!(matches!(outcome, Ok(true)), "{outcome:?}");
                model.kernel.pipe().gone[0] = false;
                assert_ok(model.signal.clear());
                if data.iter().all(|datum| datum.load(Ordering::Relaxed) == 1) {
                    break;
                }
            }
        });
    }
}

/// As above, with the word alone between producer and consumer: the producer finds it set.
#[test]
fn a_setter_that_found_the_word_set_publishes_through_the_word_alone() {
    check(PREEMPTIONS, || {
        let model = Model::new();
        assert_ok(model.signal.set());
        let data = Arc::new(AtomicU32::new(0));
        let found_set = Arc::new(AtomicU32::new(0));
        let producer = model.spawn({
            let (data, found_set) = (data.clone(), found_set.clone());
            move |model| {
                data.store(1, Ordering::Relaxed);
                if model.signal.state().observe().is_set() {
                    found_set.store(1, Ordering::Relaxed);
                }
            }
        });
        assert_ok(model.signal.clear());
        let seen = data.load(Ordering::Relaxed);
        join(producer);
        if found_set.load(Ordering::Relaxed) == 1 {
            assert_eq!(seen, 1, "the set() came before the clear(), and what it published did not");
        }
    });
}
