/** What the parts of a cluster task manager share. */

import { channel } from 'node:diagnostics_channel';

import { type IQueueBackend } from 'bullmq';

import { type Settings } from './options';
import { type Store } from './store';
import { type StoreClock } from './store-clock';
import { type Submitter } from './submit';
import { type TaskQueue } from './task-data';

export interface Member {
  readonly settings: Settings;
  readonly store: Store;
  readonly clock: StoreClock;
  readonly queue: TaskQueue;
  readonly backend: IQueueBackend;
  readonly submit: Submitter;
  /** How long an orderly end may take: the store may be away. */
  closeTime(): number;
  close(): Promise<void>;
  readonly counts: { repairedChains: number; missedEvents: number };
}

/** The queue whose events tell members which running task to abort. */
export function controlQueueName(queue: string): string {
  return `${queue}.control`;
}

/** The diagnostics channels `waitable-event:cluster:…`. */
export const channels = {
  start: channel('waitable-event:cluster:start'),
  end: channel('waitable-event:cluster:end'),
  error: channel('waitable-event:cluster:error'),
  leaseLost: channel('waitable-event:cluster:lease-lost'),
};
