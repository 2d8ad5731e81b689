/** The part of a member that runs tasks: BullMQ's Worker, with a precise wait and a watch over the leases. */

import { type IQueueBackend, QueueEvents, Worker } from 'bullmq';
import { type RemoteTaskManager } from 'waitable-event';

import { settleStubbornly, watchRenewals } from './backend-guards';
import { type Member, controlQueueName } from './member';
import { PreciseWait } from './precise-wait';
import { Runner } from './run-one';
import { type Events, type TaskData, type TaskResult } from './task-data';
import { LISTENER_CLOSE_TIME, closeWithin, isAwayError } from './waiting';

/** A task that has stalled more often ends its member again and again: it fails. */
const MOST_STALLS = 3;
/** BullMQ waits so long before it tries again after the connection has failed. */
const RETRY_DELAY = 500;

export class TaskWorker {
  readonly runner: Runner;
  readonly #worker: Worker<TaskData, TaskResult | null, string, IQueueBackend>;
  readonly #control: Events;
  readonly #closeTime: () => number;
  readonly #isAway: () => boolean;
  #backend: IQueueBackend | undefined;
  #wait: PreciseWait | undefined;

  constructor(member: Member, remote: RemoteTaskManager) {
    const { settings, store } = member;
    const { lease, backoff, telemetry, queue } = settings;
    this.runner = new Runner(member, remote);
    this.#closeTime = () => member.closeTime();
    this.#isAway = () => store.isAway();
    const connection = store.connection as never;
    this.#worker = new Worker(
      queue,
      this.runner.process,
      {
        connection,
        autorun: false,
        concurrency: settings.concurrency,
        lockDuration: lease,
        stalledInterval: lease / 2,
        maxStalledCount: MOST_STALLS,
        drainDelay: settings.safetyPoll / 1000,
        runRetryDelay: RETRY_DELAY,
        ...(telemetry === undefined ? {} : { telemetry }),
        settings: {
          backoffStrategy: (attempts) => {
            const full = Math.min(backoff.delay * backoff.factor ** (attempts - 1), backoff.limit);
            return Math.round(full * (1 - backoff.jitter * Math.random()));
          },
        },
      },
      (...args) => {
        const backend = store.createBackend(...args);
        this.#backend = backend;
        this.#wait = new PreciseWait(backend);
        watchRenewals(backend, this.runner.leases);
        settleStubbornly(backend, settings);
        return backend;
      },
    );
    this.#worker.on('error', (error) => {
      // The handler is told of a lost lease by its signal, and connections that fail are made again.
      if (!isAwayError(error) && !/renew lock|Missing lock|Lock mismatch/i.test(error.message)) settings.onError(error);
    });
    this.runner.onBusy = () => {
      this.#wait?.giveUp().catch((error: unknown) => settings.onError(error));
    };
    this.runner.onHandlersGone = () => void this.pause();
    this.#control = new QueueEvents(controlQueueName(queue), { connection }, store.createBackend);
    this.#control.on('error', (error) => {
      if (!isAwayError(error)) settings.onError(error);
    });
    // The event is ours: BullMQ's types do not know it.
    (this.#control as unknown as NodeJS.EventEmitter).on('cancel', ({ task, timestamp }) =>
      this.runner.cancel(task, timestamp),
    );
  }

  /** Begins to run tasks. */
  async start(): Promise<void> {
    await this.#worker.waitUntilReady();
    await this.#control.waitUntilReady();
    this.#worker.run().catch((error: Error) => this.#worker.emit('error', error));
  }

  async pause(): Promise<void> {
    await this.#worker.pause(true);
    await this.#wait?.pause();
  }

  resume(): void {
    this.#wait?.resume();
    void this.#worker.resume();
  }

  /** Takes nothing new, waits for what runs, and aborts it after `timeout`. */
  async close(timeout: number): Promise<void> {
    await this.pause();
    const timer = timeout < 2 ** 31 ? setTimeout(() => this.runner.abortAll(), Math.max(timeout, 0)) : undefined;
    await this.runner.untilIdle();
    clearTimeout(timer);
    const limit = this.#closeTime();
    const dropWorker = (): Promise<unknown> =>
      Promise.all([this.#backend?.disconnectBlocking(false), this.#backend?.disconnect()]);
    // While the store is away, BullMQ would wait for its blocking command. No claim can be answered then.
    await closeWithin(limit, () => this.#worker.close(this.#isAway()), dropWorker);
    await closeWithin(
      LISTENER_CLOSE_TIME,
      () => this.#control.close(),
      () => this.#control.disconnect(),
    );
  }
}
