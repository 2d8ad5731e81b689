import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { newQueue } from './support/local-member';
import { Journal, MemberProcess, killMembers } from './support/member';
import { Proxy } from './support/proxy';
import { type TestServer, describeFailures, makeServer } from './support/stores';
import { inTime, until } from './support/waiting';

describeFailures('a network that fails', (store) => {
  let server: TestServer;
  let journal: Journal;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await makeServer(store).start();
  });
  afterAll(() => server?.stop());
  afterEach(async () => {
    await killMembers();
    proxy.close();
    journal.remove();
  });

  /** Starts a member whose connections go through the proxy, and one whose connections do not. */
  async function start(options: object = {}): Promise<[behind: MemberProcess, direct: MemberProcess]> {
    journal = new Journal();
    proxy = await Proxy.start(server.port);
    const all = { queue: newQueue(), lease: 2000, ...options };
    const behind = await MemberProcess.start(journal, { ...all, connection: proxy.urlOf(server.url) });
    return [behind, await MemberProcess.start(journal, { ...all, connection: server.url, work: false })];
  }

  test('connections are reset 12 times: all tasks run', async () => {
    const tasks = 600;
    const [behind, direct] = await start();
    const numbers = Array.from({ length: tasks }, (_, i) => i);
    const producing = Promise.all(numbers.map((i) => behind.do('schedule', 'note', i, { delta: i * 4 })));
    for (let i = 1; i <= 12; i++) {
      await until('tasks have run', () => journal.ran().length >= i * 40);
      proxy.reset();
    }
    await inTime('all are stored', producing);
    const ran = (): Set<unknown> => new Set(journal.ran());
    await until('all have run', () => ran().size === tasks);
    await until('all have ended', async () => {
      const { waiting, running, delayed } = (await direct.do('stats')) as Record<string, number>;
      return waiting === 0 && running === 0 && delayed === 0;
    });
    expect(await direct.do('stats')).toMatchObject({ completed: tasks, failed: 0 });
  });

  test('packets vanish: the handler is aborted before another member runs the task', async () => {
    const [behind, direct] = await start();
    const other = await MemberProcess.start(journal, {
      queue: String(await direct.do('queue')),
      connection: server.url,
      lease: 2000,
    });
    await other.do('pause');
    await direct.do('schedule', 'hold', 'task');
    await until('the task runs', () => journal.lines().some(({ began }) => began));
    await other.do('resume');
    proxy.swallow(true);
    await until('the other one runs it', () => journal.lines().filter(({ began }) => began).length === 2);
    const order = journal.lines().flatMap(({ began, aborted, code, pid }) => {
      if (began !== undefined) return [`began in ${pid}`];
      return aborted === undefined ? [] : [`aborted in ${pid}: ${code}`];
    });
    expect(order).toEqual([
      `began in ${behind.pid}`,
      `aborted in ${behind.pid}: ERR_LEASE_LOST`,
      `began in ${other.pid}`,
    ]);
    await other.do('end', 'task');
    await until('it has ended', async () => ((await direct.do('stats')) as { completed: number }).completed === 1);
    proxy.swallow(false);
    await other.do('pause');
    await direct.do('schedule', 'note', 'after');
    await until('the first member works again', () => journal.lines().some(({ ran }) => ran === 'after'));
    expect(journal.lines().find(({ ran }) => ran === 'after')?.pid).toBe(behind.pid);
  });

  test('the answer to the end of a task is lost: it is completed once', async () => {
    const [, direct] = await start();
    const call = direct.do('call', 'echo', 'drop the answer to this');
    proxy.dropAnswerTo('"ok":{"json":"drop the answer to this"}');
    expect(await call).toBe('drop the answer to this');
    await until('nothing is left', async () => ((await direct.do('stats')) as { running: number }).running === 0);
    expect(await direct.do('stats')).toMatchObject({ completed: 1, failed: 0, waiting: 0 });
    expect(proxy.dropped).toBeGreaterThan(0);
    await direct.do('schedule', 'note', 'after');
    await until('the member works on', () => journal.ran().includes('after'));
  });
});
