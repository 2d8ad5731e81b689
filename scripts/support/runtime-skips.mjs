// The tests that are not run on Bun and Deno, each with the reason: what the runtime lacks, or does in another way.

const BUN = ['Bun'];
const DENO = ['Deno'];
const BOTH = ['Bun', 'Deno'];

/** What several tests need. */
const FOREIGN_DESCRIPTORS = 'node:fs does not take descriptors that it has not opened itself';
const NO_SOCKET_DESCRIPTOR = 'a socket of node:net or node:dgram has no descriptor';
const NO_TERMINATION = 'terminate() never ends a worker whose code runs or blocks, in Atomics.wait(), too';
const EARLY_TERMINATION = 'terminate() resolves before the thread has ended';
const NO_SNAPSHOT = 'worker.getHeapSnapshot() is not implemented';
const SEATS = 'connections are made by shared memory, which is there in advance, and not by channels';
const LOOP_PAYLOADS = 'a payload that only a channel carries waits for the event loop';
const OWN_SIGNALS =
  'without libuv, a loop that watches a signal natively takes it from the listeners of the process meanwhile';
const LONELY_THREADS = 'process.hrtime() counts from the start of each thread, and the test compares threads';
const ENVIRONMENT = 'process.env is not the environment of C code, by which the test tells its library what to refuse';
const LOST_CODES = "the 'error' event of a worker loses the code of the error";
const BLOCKED_START = 'readySync() cannot hear from a worker: a blocked thread reads no channel there';
const STACKS = 'the stack ends elsewhere, within functions of the runtime, too';

/**
 * `tests` match full names, as jest prints them: a string is the whole name, a regular expression a part of it. Without
 * them, none of the file is run.
 */
const SKIPS = [
  // What both lack.
  { on: BOTH, file: 'process/driver-selection', reason: 'libuv is never used there, so the variable is not read' },
  { on: BOTH, file: 'process/interrupt-by-inspector', reason: 'the inspector has no Node-compatible worker session' },
  { on: DENO, file: 'process/interrupt-blocked-worker', tests: [/answers every request|getHeap/], reason: NO_SNAPSHOT },
  {
    on: BUN,
    file: 'process/interrupt-blocked-worker',
    tests: [/answers every request|getHeap/],
    reason: 'worker.getHeapSnapshot() waits until the worker is in its event loop',
  },
  {
    on: BOTH,
    file: 'process/idle-blocked-worker',
    tests: [/does not wake while it blocks, although/],
    reason: 'without libuv, a blocked thread wakes every 20 ms to see whether it is being terminated',
  },
  { on: BOTH, file: 'process/report-on-signal', reason: 'no process.report on a signal' },
  { on: BOTH, file: 'process/signal-orders', tests: [/is told to/], reason: OWN_SIGNALS },
  {
    on: BUN,
    file: 'process/signal-orders',
    tests: [/nothing listens to any longer .*: MAMA$/],
    reason: 'as above: the loop that ends gives back the handler that process.off() has removed meanwhile',
  },
  {
    on: BOTH,
    file: 'process/blocking-descriptors',
    reason: 'spawn() takes no such descriptors, or does not know them',
  },
  {
    on: BOTH,
    file: 'process/nested-epolls',
    tests: [/2000 dispatchers over one description/],
    reason: NO_SOCKET_DESCRIPTOR,
  },
  {
    on: BOTH,
    file: 'process/run-loop-lifetime',
    tests: [/own handlers, runSync\(\) a signal that stops the loop is told to a handler, too/],
    reason: OWN_SIGNALS,
  },
  { on: BOTH, file: 'run-loop/promises-in-run-sync', reason: 'process._tickCallback() is missing: promises wait' },
  { on: BOTH, file: 'remote/every-type', reason: 'structuredClone() carries other types of the web platform' },
  { on: BOTH, file: 'remote/hostile-producers', reason: SEATS },
  { on: BOTH, file: 'remote/memory', reason: SEATS },
  { on: BOTH, file: 'remote/thread-lifetime', tests: [/in the middle of connect\(\)/], reason: SEATS },
  { on: BOTH, file: 'remote/payloads', tests: [/in runSync\(\)/], reason: LOOP_PAYLOADS },
  { on: BOTH, file: 'remote/full-queue', tests: [/is not left in the message channel either/], reason: LOOP_PAYLOADS },
  { on: DENO, file: 'examples/sha256sum-failures', reason: 'file names as bytes, and their errors, differ' },
  {
    on: BUN,
    file: 'examples/sha256sum-failures',
    tests: [/may be the rest of a file|may have been readable|ends with an error when (?:a worker|one of)/],
    reason: 'NODE_OPTIONS is not read, by which the test replaces functions',
  },
  {
    on: DENO,
    file: 'examples/sha256sum-terminal',
    reason: 'process.stdout blocks the thread when it writes to a pipe, and columns of a terminal differ',
  },
  {
    on: BOTH,
    file: 'conformance/bacpypes-tasks',
    tests: ['costs an idle loop does not wake'],
    reason: 'the thread driver wakes once',
  },
  {
    on: BOTH,
    file: 'internals/binding-unavailable',
    tests: ['ERR_BINDING_UNAVAILABLE says that addons are disabled'],
    reason: 'NODE_OPTIONS is not read',
  },
  { on: BOTH, file: 'stress/random-programs', tests: [/remote-tasks$/], reason: LONELY_THREADS },

  { on: BOTH, file: 'examples/documentation', tests: [/blocks until a worker serves/], reason: BLOCKED_START },
  { on: BOTH, file: 'pool/pool-subclass', tests: [/^a subclass of TaskWorker/], reason: BLOCKED_START },
  {
    on: BOTH,
    file: 'pool/task-worker',
    tests: [/^the start (?:can be waited for by|leaves workerData|loads |fails )/],
    reason: BLOCKED_START,
  },

  // Bun.
  { on: BUN, file: 'pool/task-pool', tests: [/have results and errors, whole$/], reason: STACKS },
  {
    on: BUN,
    file: 'pool/task-pool',
    tests: [/by its resource limits is replaced$/],
    reason: 'a worker has no resource limits',
  },
  { on: BUN, file: 'examples/small-examples', tests: [/^synckit\.js/], reason: BLOCKED_START },
  {
    on: BUN,
    file: 'examples/documentation',
    tests: [/^docs\/test-a-nightly-task\.md/],
    reason: 'node:test runs within "bun test" alone',
  },
  {
    on: BUN,
    file: 'examples/sha256sum-output',
    tests: [/^arguments a directory may begin/],
    reason: 'takes -- out of the arguments',
  },
  {
    on: BUN,
    file: 'examples/sha256sum-output',
    tests: [/^arguments a directory ""/],
    reason: 'fs.statSync() of an empty buffer throws another error',
  },
  { on: BUN, file: 'examples/small-examples', tests: [/child-pipe\.js/], reason: NO_SOCKET_DESCRIPTOR },
  { on: BUN, file: 'process/refused-system-calls', reason: ENVIRONMENT },
  { on: BUN, file: 'process/refused-pollers', tests: [/a thread for (?:poll\(\)|its driver)/], reason: ENVIRONMENT },
  {
    on: BOTH,
    file: 'run-loop/fairness',
    tests: [/make a turn after a call or two/],
    reason: 'a turn of the event loop takes calls of other threads while more of them come, 9 at most, before timers',
  },
  {
    on: BUN,
    file: 'run-loop/descriptor-conditions',
    tests: [/recv\(\) throws ECONNREFUSED, and the channel stays/],
    reason: 'sets IP_RECVERR on its sockets, so an error is ready until its queue is read, too',
  },
  { on: BUN, file: 'tasks/async-context', reason: 'async_hooks.createHook() does nothing' },
  {
    on: BUN,
    file: 'remote/refused-tasks',
    tests: [/^buffers to be transferred (?:stay with|that were transferred)/],
    reason: "messages of a DataCloneError are JavaScriptCore's",
  },
  {
    on: BUN,
    file: 'remote/call-results',
    tests: [/throws what the handler (?:throws|rejects): /],
    reason: 'structuredClone() of an error, by which the test gets it, drops the cause',
  },
  {
    on: BUN,
    file: 'remote/call-results',
    tests: [/carries payloads of many megabytes/],
    reason: 'v8.serialize() keeps the class Buffer',
  },
  {
    on: BUN,
    file: 'internals/payload',
    tests: [/a Buffer becomes a Uint8Array of its own bytes/, /that only a message channel carries is sent as/],
    reason: 'v8.serialize() keeps the class Buffer, and carries other values than V8',
  },
  {
    on: BUN,
    file: 'remote/errors',
    tests: ['the stack has the handler, and below it the caller'],
    reason: "stacks are JavaScriptCore's",
  },

  // Deno: descriptors.
  ...[
    ['conformance/asyncore-file-dispatcher', /test_dispatcher|a regular file|\/dev\/null|test_handle_close_after/],
    ['conformance/asyncore-file-wrapper', undefined],
    ['conformance/asyncore-dispatcher', /test_readwrite|the order is read, write/],
    [
      'conformance/asyncore-stale-readiness',
      /closes itself in handleRead|closed under its channel|its own class after/,
    ],
    ['event/adaptive-spin', /set through its descriptor/],
    ['event/end-of-pipe', undefined],
    ['event/many-threads', /a foreign byte/],
    ['event/select-exceptional', undefined],
    ['event/state-and-descriptors', /is wait\(0\) in every|the read side mirrors|recv\(\) takes bytes out/],
    ['event/wait-async', /a byte that comes through|600 events, each write/],
    ['examples/small-examples', undefined],
    ['examples/sha256sum-output', undefined],
    ['process/many-descriptors', undefined],
    ['process/run-loop-lifetime', /by nothing in a loop that does not run|an exception that is not caught in a pass/],
    ['run-loop/adaptive-spin', /is set through its descriptor is called soon/],
    ['run-loop/async-handlers', /^handleExpt\(\)/],
    ['run-loop/channel-subclass', /a subclass of FileDispatcher/],
    [
      'run-loop/descriptor-conditions',
      /writes and does not want|exceptional conditions alone|ECONNREFUSED|the error itself/,
    ],
    ['run-loop/fairness', /flooded by (?:a regular file|all of them)/],
    ['run-loop/new-channels', /for a descriptor that is not open/],
    ['run-loop/non-blocking-mode', /foreign code has closed it/],
    ['stress/random-programs', /(?:event-model|event-threads|select-model|loop-model|model-threads)$/],
  ].map(([file, test]) => ({
    on: DENO,
    file,
    tests: test === undefined ? undefined : [test],
    reason: `${FOREIGN_DESCRIPTORS}, or ${NO_SOCKET_DESCRIPTOR}`,
  })),

  // Deno: terminate().
  ...[
    ['internals/seats', /whose taker was terminated/],
    ['process/descriptor-leaks', /500 lives of workers/],
    ['process/terminate-worker', /may come at any moment/],
    [
      'remote/thread-lifetime',
      /in runSync\(\)$|before it ever met|middle of its handler|is blocked(?: for room|, that)|of several pieces/,
    ],
    ['stress/random-programs', /worker-deaths$/],
    ['stress/task-managers', /workers that are terminated/],
    ['virtual-time/other-threads', /one that has ended is no obstacle|never quiescent/],
  ].map(([file, test]) => ({ on: DENO, file, tests: [test], reason: NO_TERMINATION })),
  { on: DENO, file: 'run-loop/non-blocking-mode', tests: [/its worker is terminated/], reason: EARLY_TERMINATION },
  { on: DENO, file: 'run-loop/other-threads', tests: [/that is gone with its thread/], reason: EARLY_TERMINATION },
  {
    on: DENO,
    file: 'remote/thread-lifetime',
    tests: [/ended schedule\(\)|ended connect\(\) throws ERR_INVALID_HANDLE/],
    reason: EARLY_TERMINATION,
  },

  { on: DENO, file: 'event/close', tests: [/gives each of them/], reason: EARLY_TERMINATION },

  // Deno: the rest.
  {
    on: DENO,
    file: 'process/run-loop-lifetime',
    tests: [/^signals and run(?:Sync)?\(\) in the \w+ thread SIG/],
    reason: 'sets actions of its own for these signals in another thread, some time after its start, and keeps them',
  },
  {
    on: DENO,
    file: 'event/identity',
    tests: [/postMessage\(\) of an object/],
    reason: 'markAsUncloneable() does nothing',
  },
  { on: DENO, file: 'internals/end-of-stack', reason: STACKS },
  { on: DENO, file: 'process/end-of-stack', reason: FOREIGN_DESCRIPTORS },
  { on: DENO, file: 'process/exhausted-descriptors', reason: 'Deno itself reads /proc with a permission of its own' },
  {
    on: DENO,
    file: 'process/interrupt-by-vm',
    tests: [/breakOnSigint/],
    reason: 'node:vm does not end code by breakOnSigint',
  },
  {
    on: DENO,
    file: 'process/keep-alive',
    tests: [/at its top level/],
    reason: 'a script of the command line is no module',
  },
  { on: DENO, file: 'process/test-runner', reason: 'import() is missing in node:vm, which jest uses' },
  {
    on: DENO,
    file: 'virtual-time/several-managers',
    tests: [/one that leaves during a run/],
    reason: LOST_CODES,
  },
  { on: DENO, file: 'event/close', tests: [/of several threads at the same time/], reason: LOST_CODES },
  {
    on: DENO,
    file: 'internals/binding-unavailable',
    tests: ['ERR_BINDING_UNAVAILABLE has the reason of a binding that is damaged'],
    reason: 'process.dlopen() of a file that is no binary has other errors',
  },
];

const escaped = (name) => name.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);

/**
 * Returns `{ file, pattern, reason }` of what is not run on a runtime. `pattern` is the source of a regular expression
 * for full names. Without it, none of the file is run.
 */
export function skippedOn(name) {
  return SKIPS.filter(({ on }) => on.includes(name)).flatMap(({ file, tests = [undefined], reason }) =>
    tests.map((test) => ({
      file: `${file}.test.ts`,
      ...(test === undefined ? {} : { pattern: typeof test === 'string' ? `^${escaped(test)}$` : test.source }),
      reason,
    })),
  );
}
