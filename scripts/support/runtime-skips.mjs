// The tests that are not run on Bun and Deno, each with the reason.

const BUN = ['Bun'];
const DENO = ['Deno'];
const BOTH = ['Bun', 'Deno'];

/** `tests` are full names, as jest prints them; without them, none of the file is run. */
const SKIPS = [
  // What both lack.
  { on: BOTH, file: 'process/driver-selection', reason: 'libuv is never used there, so the variable is not read' },
  { on: BOTH, file: 'process/interrupt-by-inspector', reason: 'the inspector has no Node-compatible worker session' },
  { on: DENO, file: 'process/interrupt-by-vm', reason: 'node:vm does not end code by breakOnSigint as Node does' },
  {
    on: BOTH,
    file: 'process/interrupt-blocked-worker',
    reason: 'not explained yet: it did not end within 45 s on a busy machine',
  },
  { on: BOTH, file: 'process/idle-blocked-worker', reason: 'not explained yet: one test exceeds its time limit' },
  { on: BOTH, file: 'process/report-on-signal', reason: 'no process.report on a signal' },
  { on: BOTH, file: 'process/end-of-stack', reason: 'not explained yet: it did not end within 45 s on a busy machine' },
  {
    on: BOTH,
    file: 'process/signal-orders',
    reason: 'not explained yet: it did not end within 45 s on a busy machine',
  },
  {
    on: BOTH,
    file: 'process/descriptor-leaks',
    reason: 'not explained yet: it did not end within 45 s on a busy machine',
  },
  {
    on: BOTH,
    file: 'process/nested-epolls',
    reason: 'not explained yet: it did not end within 45 s on a busy machine',
  },
  {
    on: BOTH,
    file: 'process/blocking-descriptors',
    reason: 'spawn() takes no such descriptors, or does not know them',
  },
  {
    on: BOTH,
    file: 'process/run-loop-lifetime',
    reason: 'not explained yet: it did not end within 45 s on a busy machine',
  },
  { on: BOTH, file: 'run-loop/promises-in-run-sync', reason: 'process._tickCallback() is missing: promises wait' },
  { on: BOTH, file: 'remote/every-type', reason: 'structuredClone() carries other types of the web platform' },
  { on: BOTH, file: 'remote/hostile-producers', reason: 'introductions are not posted to a channel: seats' },
  { on: BOTH, file: 'remote/memory', reason: 'the memory of connections is made in advance: seats' },
  { on: BOTH, file: 'remote/call-results', reason: 'not explained yet: it did not end within 45 s on a busy machine' },
  {
    on: BOTH,
    file: 'remote/thread-lifetime',
    reason: 'not explained yet: it did not end within 45 s on a busy machine',
  },
  { on: BOTH, file: 'remote/payloads', reason: 'a blocked thread gets no payload that only a channel carries' },
  { on: BOTH, file: 'examples/sha256sum-failures', reason: 'file names as bytes, and their errors, differ' },
  { on: BOTH, file: 'examples/sha256sum-output', reason: 'file names as bytes, and their errors, differ' },
  { on: BOTH, file: 'examples/sha256sum-terminal', reason: 'writes to a terminal or a slow pipe differ' },
  { on: BOTH, file: 'examples/small-examples', reason: 'spawn() and node:fs do not take the descriptors of examples' },
  {
    on: BOTH,
    file: 'conformance/bacpypes-tasks',
    tests: ['costs an idle loop does not wake'],
    reason: 'the thread driver wakes once',
  },
  {
    on: BOTH,
    file: 'event/close',
    tests: ['close() while others call no call reaches a descriptor whose number has been used again'],
    reason: 'not explained yet: it exceeds its time limit',
  },
  {
    on: BOTH,
    file: 'internals/binding-unavailable',
    tests: ['ERR_BINDING_UNAVAILABLE says that addons are disabled'],
    reason: 'NODE_OPTIONS is not read',
  },

  // Bun.
  {
    on: BUN,
    file: 'process/refused-system-calls',
    reason: 'not explained yet: it did not end within 45 s on a busy machine',
  },
  { on: BUN, file: 'process/garbage-collected-event', reason: 'gc() is missing in node:vm' },
  {
    on: BUN,
    file: 'remote/task-manager-subclass',
    reason: 'not explained yet: it did not end within 45 s on a busy machine',
  },
  { on: BUN, file: 'remote/refused-tasks', reason: "messages of a DataCloneError are JavaScriptCore's" },
  { on: BUN, file: 'remote/full-queue', reason: 'a channel has delivered nothing yet when the test counts' },
  {
    on: BUN,
    file: 'run-loop/descriptor-conditions',
    reason: 'not explained yet: an error of a descriptor is reported twice',
  },
  { on: BUN, file: 'run-loop/close', reason: 'not explained yet: one descriptor more is open' },
  { on: BUN, file: 'tasks/async-context', reason: 'async_hooks.createHook() does nothing in Bun' },
  {
    on: BUN,
    file: 'internals/payload',
    tests: [
      'a round trip a Buffer becomes a Uint8Array of its own bytes',
      'a round trip a payload that only a message channel carries is sent as the number of its message',
    ],
    reason: 'v8.serialize() keeps the class Buffer, and carries other values than V8',
  },
  {
    on: BUN,
    file: 'remote/errors',
    tests: ['the stack has the handler, and below it the caller'],
    reason: "stacks are JavaScriptCore's",
  },

  // Deno: node:fs knows only the descriptors that it has opened, and a socket of node:net has no descriptor.
  ...[
    'conformance/asyncore-file-dispatcher',
    'conformance/asyncore-file-wrapper',
    'conformance/asyncore-dispatcher',
    'conformance/asyncore-stale-readiness',
    'event/adaptive-spin',
    'event/end-of-pipe',
    'event/select-exceptional',
    'event/state-and-descriptors',
    'event/wait-async',
    'process/many-descriptors',
    'run-loop/async-handlers',
    'run-loop/adaptive-spin',
    'run-loop/channel-subclass',
    'run-loop/close',
    'run-loop/descriptor-conditions',
    'run-loop/fairness',
    'run-loop/new-channels',
    'run-loop/non-blocking-mode',
    'run-loop/other-threads',
  ].map((file) => ({ on: DENO, file, reason: 'node:fs does not take descriptors that it has not opened' })),
  { on: DENO, file: 'event/close', reason: 'a thread that ended keeps its descriptors for a moment' },
  { on: DENO, file: 'event/many-threads', reason: 'not explained yet: it did not end within 45 s on a busy machine' },
  { on: DENO, file: 'event/identity', reason: 'markAsUncloneable() does nothing' },
  { on: DENO, file: 'internals/end-of-stack', reason: 'the stack ends elsewhere, within built-in functions, too' },
  { on: DENO, file: 'process/exhausted-descriptors', reason: 'Deno itself reads /proc with a permission of its own' },
  {
    on: DENO,
    file: 'process/exit-with-blocked-workers',
    reason: "child.kill('SIGCONT') after 'SIGSTOP' sends nothing",
  },
  { on: DENO, file: 'process/keep-alive', reason: 'a script of the command line is no module' },
  { on: DENO, file: 'process/signals', reason: 'not explained yet: it did not end within 45 s on a busy machine' },
  {
    on: DENO,
    file: 'process/terminate-worker',
    reason: 'not explained yet: it did not end within 45 s on a busy machine',
  },
  { on: DENO, file: 'process/test-runner', reason: 'import() is missing in node:vm, which jest uses' },
  { on: DENO, file: 'remote/full-queue', reason: 'a channel has delivered nothing yet when the test counts' },
  { on: DENO, file: 'remote/payload-channels', reason: 'a payload waits for the event loop' },
  { on: DENO, file: 'virtual-time/several-managers', reason: 'not explained yet: one test fails' },
  { on: DENO, file: 'virtual-time/other-threads', reason: 'not explained yet: it does not end in 45 s' },
  { on: BOTH, file: 'stress/task-managers', reason: 'not explained yet: fails after terminate() of workers' },
  { on: DENO, file: 'remote/blocking', reason: 'not explained yet: one time limit is exceeded' },
  {
    on: DENO,
    file: 'internals/binding-unavailable',
    tests: ['ERR_BINDING_UNAVAILABLE has the reason of a binding that is damaged'],
    reason: 'process.dlopen() of a file that is no binary has other errors',
  },
];

/** Returns `{ file, test, reason }` of what is not run on a runtime. Without `test`, none of the file is. */
export function skippedOn(name) {
  const own = SKIPS.filter(({ on }) => on.includes(name)).map(({ file, tests, reason }) => ({
    file: `${file}.test.ts`,
    tests,
    reason,
  }));
  const files = new Set(own.filter(({ tests }) => tests === undefined).map(({ file }) => file));
  return own
    .filter(({ file, tests }) => tests === undefined || !files.has(file))
    .flatMap(({ file, tests, reason }) =>
      tests === undefined ? [{ file, reason }] : tests.map((test) => ({ file, test, reason })),
    );
}
