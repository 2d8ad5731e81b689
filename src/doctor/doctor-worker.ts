/** What the doctor's workers do: the other half of its self-test, and of its look at the speed. */

import { isMainThread, parentPort, workerData } from 'node:worker_threads';

import type { EventHandle, TaskManagerHandle } from '../../index';
import { type Facade, loadFacade } from './facade';

/** How long a worker waits for the other half, in milliseconds. */
const LIMIT = 10_000;

/** What a worker is to do. */
export type Job =
  | {
      readonly doctor: 'self-test';
      readonly ping: EventHandle;
      readonly pong: EventHandle;
      readonly member: EventHandle;
      readonly manager: TaskManagerHandle;
    }
  | { readonly doctor: 'answer' | 'answer-blocking'; readonly ping: EventHandle; readonly pong: EventHandle }
  | { readonly doctor: 'answer-messages' };

type SelfTest = Extract<Job, { readonly doctor: 'self-test' }>;

/** Answers `ping`, wakes a loop, schedules and calls tasks, and blocks until it is terminated. */
function testItself({ TaskManager, WaitableEvent }: Facade, { ping, pong, member, manager }: SelfTest): void {
  const asked = WaitableEvent.open(ping);
  const answered = WaitableEvent.open(pong);
  const inLoop = WaitableEvent.open(member);
  asked.wait(LIMIT);
  asked.clear();
  answered.set();
  asked.wait(LIMIT);
  inLoop.set();
  const remote = TaskManager.connect(manager);
  const sum = remote.callSync('doctor.add', 41, { timeout: LIMIT });
  remote.schedule('doctor.sum', sum);
  new WaitableEvent().wait();
}

/** Answers each `ping` until it is closed, in the event loop. */
async function answer(
  { EventClosedError, WaitableEvent }: Facade,
  pingOf: EventHandle,
  pongOf: EventHandle,
): Promise<void> {
  const [ping, pong] = [WaitableEvent.open(pingOf), WaitableEvent.open(pongOf)];
  try {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await ping.waitAsync();
      ping.clear();
      pong.set();
    }
  } catch (error) {
    if (!(error instanceof EventClosedError)) throw error;
  }
}

/** Answers each `ping` until it is closed, and blocks in between. */
function answerBlocking({ EventClosedError, WaitableEvent }: Facade, pingOf: EventHandle, pongOf: EventHandle): void {
  const [ping, pong] = [WaitableEvent.open(pingOf), WaitableEvent.open(pongOf)];
  try {
    for (;;) {
      ping.wait();
      ping.clear();
      pong.set();
    }
  } catch (error) {
    if (!(error instanceof EventClosedError)) throw error;
  }
}

function work(job: Job): void {
  switch (job.doctor) {
    case 'self-test':
      testItself(loadFacade(), job);
      break;
    case 'answer':
      void answer(loadFacade(), job.ping, job.pong);
      break;
    case 'answer-blocking':
      answerBlocking(loadFacade(), job.ping, job.pong);
      break;
    case 'answer-messages':
      parentPort?.on('message', (message) => parentPort?.postMessage(message));
      break;
  }
}

const job = workerData as Job | null | undefined;
if (!isMainThread && job?.doctor !== undefined) work(job);
