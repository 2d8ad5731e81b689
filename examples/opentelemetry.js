// Traces tasks across threads with the API of OpenTelemetry. Each line is a span: trace, parent, id, name. A program
// with an SDK takes the first two functions as they are; the SDK is here support/tiny-tracer.js.
//
//   node examples/opentelemetry.js
'use strict';

require('./support/help')(__filename);
const { subscribe, tracingChannel } = require('node:diagnostics_channel');
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { context, propagation, trace } = require('@opentelemetry/api');
const { TaskManager, core } = require('waitable-event');
const { register, storage } = require('./support/tiny-tracer');

/** Sends the context of the caller along with each task. */
function traceSender() {
  subscribe('waitable-event:task:send', ({ carrier }) => propagation.inject(context.active(), carrier));
}

/** Makes a span of each run of a task: a child of the caller's span, and active in the handler. */
function traceRuns() {
  const tracer = trace.getTracer('waitable-event');
  const spans = new WeakMap();
  const end = (run) => spans.get(run)?.end();
  const channel = tracingChannel('waitable-event:task');
  channel.start.bindStore(storage, (run) => {
    const parent = propagation.extract(context.active(), run.carrier ?? {});
    spans.set(run, tracer.startSpan(run.name, { attributes: { 'thread.id': run.thread } }, parent));
    return trace.setSpan(parent, spans.get(run));
  });
  channel.subscribe({
    start() {},
    end: (run) => ('result' in run || 'error' in run) && end(run), // otherwise its promise is pending
    asyncStart() {},
    asyncEnd: end,
    error: (run) => spans.get(run)?.recordException(run.error),
  });
}

register((line) => console.log(line));
if (isMainThread) {
  traceRuns();
  core.taskManager.define('read', async (sensor) => ({ sensor, celsius: await Promise.resolve(21.5) }));
  core.taskManager.define('refuse', () => {
    throw new RangeError('no such sensor');
  });
  const worker = new Worker(__filename, { workerData: core.taskManager.handle });
  worker.once('exit', () => core.stop());
  void core.run({ close: true });
} else {
  traceSender();
  const tasks = TaskManager.connect(workerData);
  const span = trace.getTracer('worker').startSpan('request');
  const calls = context.with(trace.setSpan(context.active(), span), () => [
    tasks.call('read', 7),
    tasks.call('refuse'),
  ]);
  void Promise.allSettled(calls).then(() => [span.end(), tasks.close()]);
}
