// What --subset runs of the jest suite: the files that depend most on the system, its C library or the runtime.

/** The paths of the test files, as regular expressions. The longest runs are left out. */
export const SUBSET = [
  'event/(close|end-of-pipe|handles|many-threads|select|select-exceptional|state-and-descriptors|wait-async)',
  'internals/(payload|ring|seats)',
  'process/(blocking-descriptors|child-process-event|exit-with-blocked-workers|first-call|garbage-collected-event)',
  'process/(idle-blocked-worker|keep-alive|refused-pollers|run-loop-lifetime|signals|terminate-worker)',
  'remote/(call|call-sync|errors|full-queue|growing-queues|payloads|schedule|seats|thread-lifetime)',
  'run-loop/(changed-descriptors|close|descriptor-conditions|fairness|other-threads|promises-in-run-sync|run|sleep)',
  'stress/(random-programs|task-managers)',
  'tasks/(clocks|install-task)',
].map((pattern) => `__test__/${pattern}\\.test`);

/** What another driver of Node's event loop, or another C library, can break. */
export const SMALL_SUBSET = [
  'event/(close|many-threads|wait-async)',
  'process/(exit-with-blocked-workers|keep-alive|run-loop-lifetime|terminate-worker)',
  'remote/(call|schedule|thread-lifetime)',
  'run-loop/(fairness|promises-in-run-sync|run)',
].map((pattern) => `__test__/${pattern}\\.test`);
