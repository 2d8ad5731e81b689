/** Compares what a round trip between two threads costs: by events, and by `postMessage()`. */

import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';

import type { Job } from './doctor-worker';
import type { Facade } from './facade';
import { type Finding, describeError } from './report';
import { startWorker, within } from './threads';

/** How long each of the three ways is looked at, in milliseconds. */
const SLICE = 1000;

/** Calls `turn` for a while, and returns the median of its times in microseconds. */
async function median(turn: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  const end = performance.now() + SLICE;
  let before = performance.now();
  while (before < end) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await turn();
    const now = performance.now();
    times.push(now - before);
    before = now;
  }
  return (times.toSorted((a, b) => a - b)[times.length >> 1] ?? Infinity) * 1000;
}

/** Calls `measure` with a worker, which is ended then. */
async function withWorker(job: Job, measure: (worker: Worker) => Promise<number>): Promise<number> {
  const worker = startWorker(job);
  try {
    return await within('an answer', measure(worker), worker);
  } finally {
    await worker.terminate();
  }
}

async function byEvents({ WaitableEvent }: Facade, doctor: 'answer' | 'answer-blocking'): Promise<number> {
  const [ping, pong] = [new WaitableEvent(), new WaitableEvent()];
  const turn = async (): Promise<void> => {
    ping.set();
    await pong.waitAsync();
    pong.clear();
  };
  try {
    return await withWorker({ doctor, ping: ping.handle, pong: pong.handle }, async () => {
      // The start of the worker does not count.
      await turn();
      return median(turn);
    });
  } finally {
    ping.close();
    pong.close();
  }
}

async function byMessages(): Promise<number> {
  return withWorker({ doctor: 'answer-messages' }, async (worker) => {
    const turn = async (): Promise<void> => {
      worker.postMessage(0);
      await once(worker, 'message');
    };
    await turn();
    return median(turn);
  });
}

/** Takes about three seconds. */
export async function compareSpeed(facade: Facade): Promise<Finding> {
  const subject = 'round trip';
  try {
    const events = await byEvents(facade, 'answer');
    const blocking = await byEvents(facade, 'answer-blocking');
    const messages = await byMessages();
    const [a, b, c] = [events, blocking, messages].map((time) => `${time.toFixed(1)} µs`);
    const text = `event ${a}, to a worker that blocks ${b}, postMessage() ${c} (medians)`;
    return { subject, status: 'note', text };
  } catch (error) {
    return { subject, status: 'limit', text: `not measured: ${describeError(error)}` };
  }
}
