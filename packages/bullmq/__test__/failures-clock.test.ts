import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { newQueue } from './support/local-member';
import { Journal, MemberProcess, killMembers } from './support/member';
import { type TestServer, describeFailures, found, makeServer } from './support/stores';
import { until } from './support/waiting';

/** Returns the real wall clock as a handler's journal has it: in whole milliseconds. */
const TRUNCATION = 1;

describeFailures('clocks', (store) => {
  let server: TestServer;
  let journal: Journal;
  beforeAll(async () => {
    server = await makeServer(store).start();
  });
  afterAll(() => server?.stop());
  afterEach(async () => {
    await killMembers();
    journal.remove();
  });

  test('a member whose clock is far off may not join', async () => {
    journal = new Journal();
    const options = { queue: newQueue(), connection: server.url };
    for (const shift of [60_000, -7000]) {
      await expect(MemberProcess.start(journal, options, { shift })).rejects.toMatchObject({ code: 'ERR_CLOCK_SKEW' });
    }
  });

  test.each([4000, -1500, 60_000])('a member whose clock is off by %i ms is not early', async (shift) => {
    journal = new Journal();
    const options = { queue: newQueue(), connection: server.url };
    // The clock is set after the member has joined: one that is far off may not join.
    const [worker, producer] = await Promise.all([
      MemberProcess.start(journal, options, { shift: Math.abs(shift) < 5000 ? shift : 0 }),
      MemberProcess.start(journal, { ...options, work: false }),
    ]);
    await worker.do('shift', shift);
    const skew = (await worker.do('skew')) as number;
    expect(Math.abs(skew - shift)).toBeLessThan(1000);
    // Each handler is told when it was due, on the clock that the store has: this machine's.
    const deltas = [0, 50, 120, 250, 400];
    for (const delta of deltas) {
      const due = Date.now() + delta;
      await producer.do('schedule', 'note', due, { delta });
    }
    await until('all have run', () => journal.ran().length === deltas.length);
    const early = journal.lines().filter(({ ran, at }) => typeof ran === 'number' && at < ran - TRUNCATION);
    expect(early).toEqual([]);
    const told = journal.lines().filter(({ error }) => error?.code === 'ERR_CLOCK_SKEW');
    const tellers = told.map(({ pid }) => pid);
    // Of a clock that was set after the start a member is told at the next sample, which may come later.
    expect(tellers).toEqual(Math.abs(shift) < 5000 || tellers.length > 0 ? [worker.pid] : []);
  });

  test('tasks that are few and far between run on idle members', async () => {
    journal = new Journal();
    const options = { queue: newQueue(), connection: server.url };
    const members = await Promise.all([1, 2, 3].map(() => MemberProcess.start(journal, options)));
    const count = found.kills ? 1300 : 60;
    for (let i = 0; i < count; i++) {
      const delta = 100 + ((i * 7919) % (count * 50));
      await members[i % 3]?.do('schedule', 'note', Date.now() + delta, { delta });
    }
    await until('all have run', () => journal.ran().length === count, 180_000);
    const late = journal.lines().flatMap(({ ran, at }) => (typeof ran === 'number' ? [at - ran] : []));
    late.sort((a, b) => a - b);
    expect(late[0]).toBeGreaterThanOrEqual(-TRUNCATION);
    console.log(
      `${store}: ${count} sparse tasks, late by p50 ${late[count >> 1]}, p99 ${late[Math.floor(count * 0.99)]} ms`,
    );
  });
});
