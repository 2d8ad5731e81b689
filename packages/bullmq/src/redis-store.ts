/** Redis or Valkey. One connection carries all commands of a member; BullMQ duplicates it for what blocks. */

import { createRedisBackend, type RedisOptions } from 'bullmq';
import type * as IORedis from 'ioredis';

import { StoreEvictsError, StoreRefusedError, StoreVolatileError, messageOf } from './errors';
import { type Store } from './store';
import { within } from './waiting';

/** A connection that is silently dead is given up after so many milliseconds without an answer. */
const SOCKET_TIMEOUT = 15_000;

const REFUSALS = /^(?:WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR DB index|ERR invalid DB)/;

function connect({ url, ...options }: RedisOptions, duplicates: IORedis.Redis[]): IORedis.Redis {
  // The driver is optional: those who use PostgreSQL need not install it.
  const { Redis } = require('ioredis') as typeof IORedis;
  const all: IORedis.RedisOptions = {
    socketTimeout: SOCKET_TIMEOUT,
    connectTimeout: 5000,
    keepAlive: 10_000,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), 1000),
    ...options,
    // BullMQ's condition. Commands wait for the store; this package bounds how many, and for how long.
    maxRetriesPerRequest: null,
  };
  const client = url === undefined ? new Redis(all) : new Redis(url, all);
  // BullMQ guards the connections that block by itself. ioredis keeps a timer of a connection that was closed while a
  // command was pending, as theirs always are, and the process with it.
  const duplicate = client.duplicate.bind(client);
  client.duplicate = (override) => {
    const made = duplicate({ ...override, socketTimeout: undefined as never });
    duplicates.push(made);
    return made;
  };
  return client;
}

/** Returns the fields of INFO. */
async function readInfo(client: IORedis.Redis, section: string): Promise<Record<string, string>> {
  const lines = (await client.info(section)).split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

async function check(client: IORedis.Redis, allowVolatile: boolean): Promise<void> {
  const memory = await readInfo(client, 'memory');
  const policy = memory['maxmemory_policy'] ?? 'noeviction';
  if (policy !== 'noeviction' && memory['maxmemory'] !== '0') throw new StoreEvictsError(policy);
  if (allowVolatile) return;
  const persistence = await readInfo(client, 'persistence');
  if (persistence['aof_enabled'] !== '1')
    throw new StoreVolatileError('Redis has no append-only file (`appendonly no`)');
}

/** The settings of `appendfsync` with which a server does not wait until the file has what it was told. */
const RISKS: Record<string, string> = {
  everysec:
    '`appendfsync everysec`: while its disk is busy, a server that is killed loses the last two seconds at most',
  no: '`appendfsync no`: a server whose machine fails loses what the system has not written',
};

async function findRisk(client: IORedis.Redis): Promise<string | undefined> {
  // Hosted servers refuse the command.
  const [, setting] = (await client.config('GET', 'appendfsync').catch(() => [])) as string[];
  return RISKS[setting ?? ''];
}

/** Connects, and rejects when the store refuses or stays away. */
export async function openRedis(options: RedisOptions, timeout: number): Promise<Store> {
  const duplicates: IORedis.Redis[] = [];
  const client = connect(options, duplicates);
  let last: unknown;
  try {
    const refused = new Promise<never>((_resolve, reject) => {
      client.on('error', (error: Error) => {
        last = error;
        if (REFUSALS.test(error.message)) reject(new StoreRefusedError(error.message, error));
      });
    });
    await within(timeout, 'the connection', Promise.race([client.ping(), refused]), () => last);
  } catch (error) {
    client.disconnect();
    throw error instanceof Error && REFUSALS.test(error.message)
      ? new StoreRefusedError(messageOf(error), error)
      : error;
  }
  return {
    connection: client,
    createBackend: createRedisBackend,
    eventsSince: (time) => `${Math.floor(time)}-0`,
    readTime: async () => {
      const [seconds, micros] = await client.time();
      return Number(seconds) * 1000 + Number(micros) / 1000;
    },
    check: (allowVolatile) => check(client, allowVolatile),
    version: async () => {
      const info = await readInfo(client, 'server');
      return info['valkey_version'] ? `Valkey ${info['valkey_version']}` : `Redis ${info['redis_version']}`;
    },
    atRisk: () => findRisk(client),
    isAway: () => client.status !== 'ready',
    close: async () => {
      // QUIT waits for an answer that a dead store does not give.
      await within(1000, 'QUIT', client.quit()).catch(() => undefined);
      // While the store is away, BullMQ leaves connections that try to connect again.
      for (const each of [client, ...duplicates]) each.disconnect();
    },
  };
}
