import { type RedisOptions } from 'bullmq';
import { InvalidArgValueError } from 'waitable-event';

import { type Settings } from './options';
import { openPostgres } from './postgres-store';
import { openRedis } from './redis-store';
import { type Store } from './store';

/** Opens the store that a connection names. Rejects when it refuses, or does not answer within the store timeout. */
export async function openStore(settings: Settings): Promise<Store> {
  const { connection, storeTimeout } = settings;
  const scheme = typeof connection === 'string' ? /^([a-z]+):/i.exec(connection)?.[1]?.toLowerCase() : undefined;
  if (typeof connection === 'string') {
    if (scheme === 'redis' || scheme === 'rediss') return openRedis({ url: connection }, storeTimeout);
    if (scheme === 'postgres' || scheme === 'postgresql') {
      return openPostgres({ connectionString: connection }, storeTimeout);
    }
    throw new InvalidArgValueError(
      'options.connection',
      'a URL with redis:, rediss:, postgres: or postgresql:',
      // A URL may hold a password.
      connection.replace(/\/\/.*@/, '//…@'),
    );
  }
  const isPostgres = 'connectionString' in connection || 'database' in connection || 'user' in connection;
  return isPostgres ? openPostgres(connection, storeTimeout) : openRedis(connection as RedisOptions, storeTimeout);
}
