/** The store behind a queue: Redis or PostgreSQL. */

import { type BackendFactory } from 'bullmq';

export interface Store {
  /** What BullMQ takes as `connection`. */
  readonly connection: unknown;
  readonly createBackend: BackendFactory;
  /** From where events are read, so that none is missed between now and the first read. */
  eventsSince(time: number): string | undefined;
  /** Resolves with the store's time, in milliseconds since the epoch. */
  readTime(): Promise<number>;
  /** Rejects with the reason for which the store must not keep tasks. */
  check(allowVolatile: boolean): Promise<void>;
  /** Resolves with the name and the version of the server. */
  version(): Promise<string>;
  /** Whether commands are answered now, as far as this process knows. */
  isAway(): boolean;
  close(): Promise<void>;
}
