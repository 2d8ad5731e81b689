/** Tells whether a store may keep tasks: for the command line, before a member joins. */

import { messageOf } from './errors';
import { openStore } from './open-store';
import { settingsOf } from './options';
import { StoreClock } from './store-clock';

const TIMEOUT = 5000;

/** Resolves with one line for each thing that was looked at. */
export async function checkStore(url: string, schema?: string): Promise<{ lines: string[]; isGood: boolean }> {
  const connection = schema === undefined ? url : { connectionString: url, schema };
  const settings = settingsOf({ queue: 'check', connection, storeTimeout: TIMEOUT });
  const lines: string[] = [];
  let isGood = true;
  const store = await openStore(settings);
  try {
    lines.push('good: it answers');
    try {
      await store.check(false);
      lines.push('good: it keeps what it is told, and evicts nothing');
    } catch (error) {
      isGood = false;
      lines.push(`bad: ${messageOf(error)}`);
    }
    const clock = new StoreClock(
      () => store.readTime(),
      () => undefined,
    );
    await clock.sample();
    const isNear = Math.abs(clock.skew) < 100;
    isGood &&= isNear;
    lines.push(`${isNear ? 'good' : 'bad'}: this machine's clock minus the store's is ${clock.skew.toFixed(1)} ms`);
    lines.push(`info: ${await store.version()}`);
    const risk = await store.atRisk();
    if (risk !== undefined) lines.push(`info: ${risk}`);
  } finally {
    await store.close();
  }
  return { lines, isGood };
}
