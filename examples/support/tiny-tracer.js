'use strict';
// What an SDK of OpenTelemetry provides: a context manager, a propagator, spans, and an exporter that prints them.

const { AsyncLocalStorage } = require('node:async_hooks');
const { randomBytes } = require('node:crypto');
const { ROOT_CONTEXT, context, propagation, trace } = require('@opentelemetry/api');

/** Where the context of OpenTelemetry is kept. A diagnostics channel can bind it. */
const storage = new AsyncLocalStorage();

/** Registers all that. `print` gets one line for each span that has ended. */
function register(print) {
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, fn, thisArg, ...args) => storage.run(active, fn.bind(thisArg), ...args),
    bind: (active, fn) => fn && storage.run(active, () => AsyncLocalStorage.bind(fn)),
  });
  propagation.setGlobalPropagator({
    fields: () => ['traceparent'],
    inject(active, carrier, setter) {
      const span = trace.getSpanContext(active);
      if (span) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`);
    },
    extract(active, carrier, getter) {
      const [, traceId, spanId] = String(getter.get(carrier, 'traceparent')).split('-');
      return spanId ? trace.setSpanContext(active, { traceId, spanId, traceFlags: 1, isRemote: true }) : active;
    },
  });
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: (...args) => startSpan(print, ...args) }) });
}

function startSpan(print, name, options, active = context.active()) {
  const parent = trace.getSpanContext(active);
  const traceId = parent?.traceId ?? randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  const notes = [];
  return {
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    isRecording: () => true,
    recordException: (error) => notes.push(error.message),
    end: () => print([traceId, parent?.spanId ?? 'root', spanId, name, ...notes].join(' ')),
  };
}

module.exports = { register, storage };
