import { afterEach, expect, test } from '@jest/globals';
import { setImmediate, setTimeout } from 'node:timers/promises';

import { joinHere, newQueue } from './support/local-member';
import { Journal, MemberProcess, killMembers } from './support/member';
import { type TestServer, describeFailures, found, makeServer } from './support/stores';
import { until } from './support/waiting';

describeFailures('races', (store) => {
  let server: TestServer | undefined;
  let journal: Journal | undefined;
  afterEach(async () => {
    await killMembers();
    await server?.stop();
    journal?.remove();
  });

  const races = found.kills ? 10_000 : 400;

  test(
    `cancel() does not lie: ${races} tasks that are cancelled while they become due`,
    async () => {
      server = await makeServer(store).start();
      const ran = new Map<number, number>();
      const keep = { completed: { age: 3600, count: 100_000 } };
      const member = await joinHere({ queue: newQueue(), connection: server.url, keep }, (manager) => {
        manager.define('note', (i: number) => {
          ran.set(i, (ran.get(i) ?? 0) + 1);
        });
      });
      const outcomes: string[] = [];
      const race = async (i: number): Promise<void> => {
        const task = await member.cluster.schedule('note', i, i % 3 === 0 ? {} : { delta: i % 5 });
        for (let turns = i % 7; turns > 0; turns--) await setImmediate();
        if (i % 4 === 1) await setTimeout(i % 6);
        outcomes[i] = await task.cancel();
      };
      const runner = async (from: number): Promise<void> => {
        for (let i = from; i < races; i += 8) await race(i);
      };
      await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((from) => runner(from)));
      await until('nothing is left', async () => {
        const { waiting, running, delayed } = await member.cluster.stats();
        return waiting + running + delayed === 0;
      });
      const lies = outcomes.flatMap((outcome, i) => {
        const hasRun = ran.has(i);
        const isLie = (outcome === 'cancelled' && hasRun) || (outcome === 'done' && !hasRun);
        return isLie ? [`${i}: ${outcome}, ran: ${hasRun}`] : [];
      });
      expect(lies).toEqual([]);
      expect(outcomes.length).toBe(races);
      expect([...ran.values()].every((count) => count === 1)).toBe(true);
      const count = (name: string): number => outcomes.filter((outcome) => outcome === name).length;
      console.log(
        `${store}: ${count('cancelled')} cancelled, ${count('done')} done, ${count('running')} running, 0 lies`,
      );
      await member.close();
    },
    found.kills ? 900_000 : 120_000,
  );

  const [intervals, seconds] = found.kills ? [[50, 100, 200, 1000], (found.minutes * 60) / 4] : [[100, 1000], 10];

  test.each(intervals)(
    'four replicas of a task each %i ms, one killed after the other: no point is run twice',
    async (interval) => {
      const running = await makeServer(store).start();
      server = running;
      const file = new Journal();
      journal = file;
      const offset = 7;
      const options = { queue: newQueue(), connection: running.url, lease: 2000, safetyPoll: 1000 };
      const killed = new Map<number, number>();
      const replica = async (): Promise<MemberProcess> => {
        const member = await MemberProcess.start(file, options);
        await member.do('schedule', 'tick', 1, { interval, offset });
        return member;
      };
      const replicas = await Promise.all([0, 1, 2, 3].map(() => replica()));
      const end = performance.now() + seconds * 1000;
      for (let i = 0; performance.now() < end; i++) {
        const before = file.ran().length;
        // A few points between two kills.
        await until('it runs', () => file.ran().length >= before + Math.max(1, Math.round(1000 / interval)));
        const victim = replicas[i % 4];
        await victim?.kill();
        killed.set(victim?.pid ?? 0, Date.now());
        replicas[i % 4] = await replica();
      }
      await until('it still runs', () => file.ran().length > 0);
      const starts = file.lines().filter(({ start }) => start !== undefined);
      const offGrid = starts.filter(({ due = 0 }) => (due - offset) % interval !== 0);
      expect(offGrid).toEqual([]);
      // A point whose member was killed in it runs again. Another one must not.
      const byPoint = new Map<number, number[]>();
      for (const { due = 0, pid } of starts) byPoint.set(due, [...(byPoint.get(due) ?? []), pid]);
      const doubled = [...byPoint.values()].filter((pids) => pids.slice(0, -1).some((pid) => !killed.has(pid)));
      expect(doubled).toEqual([]);
      const points = [...byPoint.keys()].toSorted((a, b) => a - b);
      const gaps = points.slice(1).map((point, i) => (point - (points[i] ?? 0)) / interval - 1);
      const again = [...byPoint.values()].filter((pids) => pids.length > 1).length;
      console.log(
        `${store}, each ${interval} ms: ${points.length} points, ${killed.size} kills, 0 doubled, ${again} run again, ` +
          `${gaps.reduce((sum, gap) => sum + gap, 0)} skipped, longest gap ${Math.max(...gaps)} points`,
      );
    },
    found.kills ? found.minutes * 60_000 + 120_000 : 150_000,
  );
});
