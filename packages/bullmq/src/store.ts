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
  /** Resolves with what a server that is killed may lose; undefined when it is nothing, or is not known. */
  atRisk(): Promise<string | undefined>;
  /** Whether commands are answered now, as far as this process knows. */
  isAway(): boolean;
  close(): Promise<void>;
}
