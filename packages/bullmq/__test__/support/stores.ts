import { describe } from '@jest/globals';

import { PostgresServer, RedisServer } from '../../support/servers';

/** What scripts/test-bullmq.mjs has found. */
interface Found {
  redis: { command?: string[]; reason?: string };
  postgres: { command?: string; reason?: string };
  python: { command?: string; reason?: string };
  failuresOn: string[];
  kills: boolean;
  minutes: number;
}

const text = process.env['TEST_SERVERS'];
if (text === undefined) throw new Error('Run these tests with `npm run test:bullmq`.');
export const found: Found = JSON.parse(text);

/** A server that a test has started, or is to start. */
export type TestServer = RedisServer | PostgresServer;

export type StoreName = 'redis' | 'postgres';

/** Makes a server. */
export function makeServer(name: StoreName, settings?: Record<string, string | number>): TestServer {
  return name === 'redis'
    ? new RedisServer(found.redis.command ?? [], settings)
    : new PostgresServer(found.postgres.command ?? '', settings);
}

/** Describes tests for a store. Without one, they are skipped with the reason. */
export function describeStore(name: StoreName, title: string, tests: () => void): void {
  const { reason } = found[name];
  const declare = reason === undefined ? describe : describe.skip;
  declare(`${title}, on ${name}${reason === undefined ? '' : ` (skipped: ${reason})`}`, tests);
}

/** Describes tests for both stores. */
export function describeStores(title: string, tests: (name: StoreName) => void): void {
  for (const name of ['redis', 'postgres'] as const) describeStore(name, title, () => tests(name));
}

/** Describes tests of failures, on the stores that the command line names. */
export function describeFailures(title: string, tests: (name: StoreName) => void): void {
  for (const name of found.failuresOn as StoreName[]) describeStore(name, title, () => tests(name));
}
