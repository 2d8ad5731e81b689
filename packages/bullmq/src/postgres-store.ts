/** PostgreSQL, by BullMQ's own backend. Its pools are BullMQ's; the one here asks for the time. */

import { createPostgresBackend } from 'bullmq';
import type * as Pg from 'pg';

import { StoreRefusedError, StoreUnavailableError, StoreVolatileError, messageOf } from './errors';
import { type Store } from './store';
import { delay, isAwayError } from './waiting';

/** A connection that is silently dead is given up after so many milliseconds. */
const QUERY_TIMEOUT = 15_000;

type Config = Pg.PoolConfig & { schema?: string; skipVersionCheck?: boolean };

/** Asks until there is an answer. A server that is away refuses immediately. */
async function askUntil<T>(deadline: number, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      // eslint-disable-next-line no-await-in-loop -- one attempt after the other
      return await ask();
    } catch (error) {
      if (!isAwayError(error)) throw new StoreRefusedError(messageOf(error), error);
      if (performance.now() >= deadline) throw new StoreUnavailableError(messageOf(error), error);
    }
    // eslint-disable-next-line no-await-in-loop
    await delay(100);
  }
}

/** Connects, and rejects when the store refuses or stays away. */
export async function openPostgres(config: Config, timeout: number): Promise<Store> {
  // The driver is optional: those who use Redis need not install it.
  const { Pool } = require('pg') as typeof Pg;
  const connection: Config = {
    connectionTimeoutMillis: Math.min(timeout, 5000),
    keepAlive: true,
    query_timeout: QUERY_TIMEOUT,
    ...config,
  };
  const { schema: _schema, skipVersionCheck: _skip, ...poolConfig } = connection;
  const pool = new Pool({ ...poolConfig, max: 1, idleTimeoutMillis: 1000 });
  let isAway = false;
  pool.on('error', () => {
    isAway = true;
  });
  const ask = async (text: string): Promise<Record<string, unknown>> => {
    try {
      const { rows } = await pool.query<Record<string, unknown>>(text);
      isAway = false;
      return rows[0] ?? {};
    } catch (error) {
      isAway = isAwayError(error);
      throw error;
    }
  };
  try {
    await askUntil(performance.now() + timeout, () => ask('SELECT 1'));
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    connection,
    createBackend: createPostgresBackend as Store['createBackend'],
    eventsSince: () => undefined,
    readTime: async () => Number((await ask('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now'))['now']),
    check: async (allowVolatile) => {
      const { fsync } = await ask('SHOW fsync');
      if (fsync === 'off' && !allowVolatile) throw new StoreVolatileError('PostgreSQL runs with `fsync = off`');
    },
    version: async () => `PostgreSQL ${String((await ask('SHOW server_version'))['server_version'])}`,
    atRisk: async () =>
      (await ask('SHOW synchronous_commit'))['synchronous_commit'] === 'off'
        ? '`synchronous_commit = off`: a server that fails loses the last moments'
        : undefined,
    isAway: () => isAway,
    close: () => pool.end(),
  };
}
