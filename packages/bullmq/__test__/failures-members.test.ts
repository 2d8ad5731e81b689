import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { newQueue } from './support/local-member';
import { Journal, MemberProcess, killMembers } from './support/member';
import { type TestServer, describeFailures, makeServer } from './support/stores';
import { until } from './support/waiting';

describeFailures('members that fail', (store) => {
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

  /** Starts members of a new queue. */
  async function start(count: number, options: object = {}, setup: object = {}): Promise<MemberProcess[]> {
    journal = new Journal();
    const all = { queue: newQueue(), connection: server.url, lease: 2000, ...options };
    return Promise.all(Array.from({ length: count }, () => MemberProcess.start(journal, all, setup)));
  }

  /** Returns the member with this process id, and another one. */
  function split(members: MemberProcess[], pid: number | undefined): [MemberProcess, MemberProcess] {
    const one = members.find((member) => member.pid === pid);
    const other = members.find((member) => member.pid !== pid);
    if (one === undefined || other === undefined) throw new Error('No such member');
    return [one, other];
  }

  /** Has one of two members hold a task. Resolves with that member, and the other one. */
  async function hold(): Promise<[MemberProcess, MemberProcess]> {
    const members = await start(2);
    await members[0]?.do('schedule', 'hold', 'task');
    const began = (): number | undefined => journal.lines().find(({ began: name }) => name === 'task')?.pid;
    await until('the task runs', () => began() !== undefined);
    return split(members, began());
  }

  test('a member is killed: another one runs its task', async () => {
    const [holder, other] = await hold();
    await holder.kill();
    await until('the other one runs it', () => journal.lines().filter(({ began }) => began).length === 2);
    await other.do('end', 'task');
    await until('it has ended', async () => ((await other.do('stats')) as { completed: number }).completed === 1);
    expect(journal.lines().flatMap(({ began, pid }) => (began ? [pid] : []))).toEqual([holder.pid, other.pid]);
  });

  test('a member stands still for longer than its lease: its end settles nothing', async () => {
    const [holder, other] = await hold();
    holder.signal('SIGSTOP');
    await until('the other one runs it', () => journal.lines().filter(({ began }) => began).length === 2);
    holder.signal('SIGCONT');
    await until('the first one is told', () => journal.lines().some(({ aborted }) => aborted));
    const told = journal.lines().filter(({ pid, error, aborted }) => pid === holder.pid && (error ?? aborted));
    expect(told.map(({ error, aborted, code }) => error?.code ?? [aborted, code])).toEqual([
      'ERR_LEASE_LOST',
      ['task', 'ERR_LEASE_LOST'],
    ]);
    const counts = (await other.do('stats')) as { completed: number; running: number };
    expect(counts).toMatchObject({ completed: 0, running: 1 });
    await other.do('end', 'task');
    await until('it has ended', async () => ((await other.do('stats')) as { completed: number }).completed === 1);
    expect(await holder.do('stats')).toMatchObject({ leasesLost: 1, failed: 0 });
  });

  test('handlers that compute in another thread than the connection keep their lease', async () => {
    const [one, two] = (await start(2, { lease: 1000, concurrency: 2 }, { threaded: true })) as [
      MemberProcess,
      MemberProcess,
    ];
    for (const name of ['a', 'b', 'c']) await one.do('schedule', 'compute', { name, ms: 1500 });
    await until('all have ended', async () => ((await two.do('stats')) as { completed: number }).completed === 3);
    const lines = journal.lines();
    expect(lines.flatMap(({ began }) => began ?? []).toSorted()).toEqual(['a', 'b', 'c']);
    expect(lines.flatMap(({ ended }) => ended ?? []).toSorted()).toEqual(['a', 'b', 'c']);
  });

  test('idle members are killed: the one that is left runs what is due', async () => {
    const members = await start(4, { safetyPoll: 500 });
    const [survivor] = members as [MemberProcess];
    await survivor.do(
      'scheduleAll',
      [300, 400, 500].map((delta) => ({ name: 'note', payload: delta, options: { delta } })),
    );
    await Promise.all(members.slice(1).map((member) => member.kill()));
    await until('all have run', () => journal.ran().length === 3);
    expect(journal.ran()).toEqual([300, 400, 500]);
  });

  test('four processes hammer a key: one run, with a last payload', async () => {
    const queue = newQueue();
    const members = await start(4, { queue, work: false });
    const last = await Promise.all(
      members.map(async (member, i) => {
        let payload = '';
        for (let n = 0; n < 50; n++) {
          payload = `${i}-${n}`;
          await member.do('schedule', 'note', payload, { key: 'hammered' });
        }
        return payload;
      }),
    );
    expect(await members[0]?.do('stats')).toMatchObject({ waiting: 1, delayed: 0 });
    const worker = await MemberProcess.start(journal, { queue, connection: server.url });
    await until('it has run', () => journal.ran().length > 0);
    await until('it has ended', async () => ((await worker.do('stats')) as { completed: number }).completed === 1);
    expect(journal.ran().length).toBe(1);
    expect(last).toContain(journal.ran()[0]);
  });
});
