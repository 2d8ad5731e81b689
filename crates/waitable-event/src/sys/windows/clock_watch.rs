//! Keeps the promise that tasks on the wall clock learn when that clock is set. Windows tells windows alone. So an
//! alarm compares the clocks once a second while there are such tasks.

use std::io;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::clock::wall_offset;
use crate::park::Wake;
use crate::sync::lock;

/// The time between two comparisons.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far the clocks drift apart before the wall clock counts as set, in seconds.
const TOLERANCE: f64 = 2e-4;

/// A comparison of the clocks, for as long as this lives.
pub(super) struct ClockWatch {
    _watch: Arc<Watch>,
}

struct Watch {
    was_set: Box<dyn Fn() + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    offset: f64,
    /// The next comparison. Its alarm holds no watch, which would hold the alarm.
    alarm: Option<Alarm>,
}

struct Ring(Weak<Watch>);

impl ClockWatch {
    /// Calls `was_set` after the wall clock was set.
    pub(super) fn new(was_set: impl Fn() + Send + Sync + 'static) -> io::Result<ClockWatch> {
        let state = Mutex::new(State { offset: wall_offset(), alarm: None });
        let watch = Arc::new(Watch { was_set: Box::new(was_set), state });
        let alarm = next(&watch)?;
        lock(&watch.state).alarm = Some(alarm);
        Ok(ClockWatch { _watch: watch })
    }
}

fn next(watch: &Arc<Watch>) -> io::Result<Alarm> {
    Alarm::new(Instant::now() + INTERVAL, Arc::new(Ring(Arc::downgrade(watch))))
}

impl Wake for Ring {
    fn wake(&self) {
        let Some(watch) = self.0.upgrade() else { return };
        let offset = wall_offset();
        // It fails for lack of memory alone; then there are no more comparisons.
        let alarm = next(&watch).ok();
        let (was_set, _former) = {
            let mut state = lock(&watch.state);
            let was_set = (offset - state.offset).abs() > TOLERANCE;
            state.offset = offset;
            (was_set, std::mem::replace(&mut state.alarm, alarm))
        };
        if was_set {
            (watch.was_set)();
        }
    }
}
