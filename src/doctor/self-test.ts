/** Uses each part of the package once, with a worker, and says which of them work. */

import type { Worker } from 'node:worker_threads';

import type { Facade } from './facade';
import { type Finding, describeError } from './report';
import { LIMIT, startWorker, within } from './threads';

/** A part of the package, and what it must do. Throws otherwise. */
type Step = readonly [name: string, run: () => Promise<void>];

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** Runs one step, and returns what came of it. */
async function runStep([name, run]: Step): Promise<Finding> {
  const start = performance.now();
  const subject = `self-test: ${name}`;
  try {
    await run();
    return { subject, status: 'ok', text: `${(performance.now() - start).toFixed(1)} ms` };
  } catch (error) {
    return { subject, status: 'broken', text: describeError(error) };
  }
}

/** Returns one finding for each part, up to the first that does not work. */
export async function testItself(facade: Facade): Promise<Finding[]> {
  const findings: Finding[] = [];
  const cleanUp: (() => unknown)[] = [];
  try {
    for (const step of makeSteps(facade, cleanUp)) {
      // oxlint-disable-next-line no-await-in-loop -- the worker does one after the other
      const finding = await runStep(step);
      findings.push(finding);
      if (finding.status === 'broken') break;
    }
  } finally {
    for (const close of cleanUp.toReversed()) close();
  }
  return findings;
}

/** Returns the steps, in the order in which the worker takes part in them. */
function makeSteps({ RunLoop, WaitableEvent, select, selectAsync }: Facade, cleanUp: (() => unknown)[]): Step[] {
  const keep = <T extends { close(): void }>(resource: T): T => {
    cleanUp.push(() => resource.close());
    return resource;
  };
  let ping: InstanceType<typeof WaitableEvent>;
  let pong: InstanceType<typeof WaitableEvent>;
  let loop: InstanceType<typeof RunLoop>;
  let worker: Worker;
  let result: unknown;
  let wakeUps = 0;

  const event = async (): Promise<void> => {
    ping = keep(new WaitableEvent());
    pong = keep(new WaitableEvent());
    loop = keep(new RunLoop());
    class Member extends WaitableEvent {
      override handleRead(): void {
        this.clear();
        wakeUps += 1;
      }
    }
    const member = keep(new Member({ loop }));
    const manager = loop.taskManager;
    manager.define('doctor.add', (value: unknown) => Number(value) + 1);
    manager.define('doctor.sum', (value: unknown) => {
      result = value;
      loop.stop();
    });
    const handles = { ping: ping.handle, pong: pong.handle, member: member.handle, manager: manager.handle };
    worker = startWorker({ doctor: 'self-test', ...handles });
    cleanUp.push(() => worker.terminate());
    expect(!ping.isSet() && !ping.wait(1), 'an event is clear at first');
    ping.set();
    expect(await within('the answer of a worker', pong.waitAsync(LIMIT), worker), 'a worker sets an event');
  };

  return [
    ['event', event],
    [
      'select',
      async () => {
        const [ready] = await within('selectAsync()', selectAsync([pong], [], [], LIMIT), worker);
        expect(ready[0] === pong, 'selectAsync() finds the event that is set');
        expect(select([ping, pong], [], [], 0)[0].length === 1, 'select() finds the event that is set');
        pong.clear();
        expect(select([pong], [], [], 1)[0].length === 0, 'select() ends when its time is over');
      },
    ],
    [
      'loop and tasks',
      async () => {
        ping.set();
        await within('the end of a loop', loop.run(), worker);
        expect(wakeUps > 0, 'a loop calls what it watches');
        expect(result === 42, 'a task of another thread runs, and a call returns');
      },
    ],
    [
      'terminate',
      async () => {
        await within('the end of a worker that blocks', worker.terminate());
      },
    ],
  ];
}
