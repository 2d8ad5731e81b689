/** Opens what a cluster task manager needs of the store. */

import { Queue } from 'bullmq';

import { ClockSkewError, StoreRefusedError, messageOf } from './errors';
import { type Member } from './member';
import { openStore } from './open-store';
import { type Settings } from './options';
import { type Store } from './store';
import { StoreClock } from './store-clock';
import { Submitter } from './submit';
import { type TaskQueue } from './task-data';
import { closeWithin, within } from './waiting';

/** `join()` refuses a clock that differs by so many milliseconds from the store's. */
const LARGEST_SKEW = 5000;

/** While the store is away, an orderly end is tried for so many milliseconds. */
const AWAY_CLOSE_TIME = 500;

/** Resolves with the store's clock, if it is close enough to this machine's. */
async function openClock(store: Store, { onError }: Settings): Promise<StoreClock> {
  const clock = new StoreClock(
    () => store.readTime(),
    (skew) => onError(new ClockSkewError(skew)),
  );
  await clock.sample();
  if (Math.abs(clock.skew) >= LARGEST_SKEW) throw new ClockSkewError(clock.skew);
  return clock;
}

/** Connects. Rejects when the store is away, refuses, or must not keep tasks. */
export async function openMember(settings: Settings): Promise<Member> {
  const store = await openStore(settings);
  let queue: TaskQueue | undefined;
  try {
    await store.check(settings.allowVolatile);
    const clock = await openClock(store, settings);
    const telemetry = settings.telemetry === undefined ? {} : { telemetry: settings.telemetry };
    const options = { connection: store.connection as never, ...telemetry };
    const backend = store.createBackend(settings.queue, options);
    const opened: TaskQueue = new Queue(settings.queue, options, () => backend);
    queue = opened;
    // Each operation reports its own error.
    opened.on('error', () => undefined);
    await within(settings.storeTimeout, 'join()', opened.waitUntilReady());
    const closeTime = (): number => (store.isAway() ? AWAY_CLOSE_TIME : settings.storeTimeout);
    const close = async (): Promise<void> => {
      clock.stop();
      await closeWithin(
        closeTime(),
        () => opened.close(),
        () => opened.disconnect(),
      );
      await store.close();
    };
    clock.start();
    const counts = { repairedChains: 0, missedEvents: 0 };
    return {
      settings,
      store,
      clock,
      queue,
      backend,
      submit: new Submitter(settings, store, queue),
      counts,
      closeTime,
      close,
    };
  } catch (error) {
    await queue?.close().catch(() => undefined);
    await store.close();
    throw refusalOf(error);
  }
}

/** Names the error of a store that has no tables, or is too old. */
function refusalOf(error: unknown): unknown {
  const name = error instanceof Error ? error.name : '';
  const isRefusal = /^(?:Schema\w+Error|UnsupportedPostgresVersionError)$/.test(name);
  return isRefusal ? new StoreRefusedError(messageOf(error), error) : error;
}
