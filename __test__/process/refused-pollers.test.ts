import { describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { preloadedLibrary } from '../support/preloaded-library';

/**
 * A library that refuses system calls to the binding alone, as a seccomp filter would to all: Node itself goes on. The
 * variable REFUSED_CALLS has their names, each behind a colon; REFUSED_WITH is the number of the error.
 */
const SHIM = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <errno.h>
  #include <pthread.h>
  #include <stdint.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/epoll.h>

  static int refuses(const char *name, void *caller) {
    const char *refused = getenv("REFUSED_CALLS");
    Dl_info info;
    if (refused == NULL || strstr(refused, name) == NULL) return 0;
    if (dladdr(caller, &info) == 0 || strstr(info.dli_fname, "waitable-event") == NULL) return 0;
    if (strstr(info.dli_fname, ".node") == NULL) return 0;
    errno = atoi(getenv("REFUSED_WITH"));
    return 1;
  }

  #define REFUSABLE(name, parameters, arguments)                                  \\
    int name parameters {                                                         \\
      static int (*next) parameters;                                              \\
      if (next == NULL) next = dlsym(RTLD_NEXT, #name);                           \\
      return refuses(":" #name, __builtin_return_address(0)) ? -1 : next arguments; \\
    }

  REFUSABLE(epoll_create1, (int flags), (flags))
  REFUSABLE(timerfd_create, (int clock, int flags), (clock, flags))
  REFUSABLE(eventfd, (unsigned int value, int flags), (value, flags))
  REFUSABLE(kqueue, (void), ())

  int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    static int (*next)(int, int, int, struct epoll_event *);
    if (next == NULL) next = dlsym(RTLD_NEXT, "epoll_ctl");
    /* An epoll that takes others, and never reports them: the first poller looks for that, under the token 0. */
    if (operation == EPOLL_CTL_ADD && event->data.u64 == 0 && refuses(":nested", __builtin_return_address(0))) return 0;
    return next(epoll, operation, fd, event);
  }

  int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (next == NULL) next = dlsym(RTLD_NEXT, "pthread_create");
    return refuses(":pthread_create", __builtin_return_address(0)) ? errno : next(thread, attributes, start, argument);
  }
`;

const [EPERM, EAGAIN, ENOSYS] = [1, 11, 38];

const shimPath = preloadedLibrary(SHIM);

/** What a program does that uses everything of a poller: members, alarms, wake-ups by threads, loops in a reactor. */
const PROGRAM = `
  const { readFileSync, readdirSync } = require('node:fs');
  const { Worker } = require('node:worker_threads');
  const { FunctionTask, RunLoop, TaskManager, WaitableEvent, core, select, selectAsync } = require('waitable-event');
  const codeOf = (promise) => promise.then((value) => value, (error) => error.code);
  const source = \`
    const { TaskManager } = require('waitable-event');
    const remote = TaskManager.connect(require('node:worker_threads').workerData);
    remote.callSync('add', 1);
    remote.schedule('add', 2);
    remote.close();
  \`;
  (async () => {
    const results = [];
    const event = new WaitableEvent();
    results.push(event.wait(5), await codeOf(event.waitAsync(5)));
    setTimeout(() => event.set(), 5);
    results.push(await codeOf(event.waitAsync(20_000)));
    results.push((await selectAsync([event], [], [], 1000))[0].length, select([event], [], [], 1000)[0].length);
    let sum = 0;
    const ran = new Set();
    const stopAfterAll = () => sum === 3 && ran.size === 2 && core.stop();
    const manager = new TaskManager();
    manager.define('add', (number) => { sum += number; stopAfterAll(); });
    new Worker(source, { eval: true, workerData: manager.handle });
    new FunctionTask(() => { ran.add('task'); stopAfterAll(); }).installTask({ delta: 10 });
    class Reader extends WaitableEvent {
      handleRead() { this.clear(); ran.add('read'); stopAfterAll(); }
    }
    new Reader({ set: true, loop: core });
    await core.run();
    results.push(sum);
    const blocking = new RunLoop();
    new (class extends WaitableEvent { handleRead() { blocking.stop(); } })({ set: true, loop: blocking });
    blocking.runSync();
    manager.close();
    // A thread may end in between.
    const nameOf = (tid) => { try { return readFileSync('/proc/self/task/' + tid + '/comm', 'utf8').trim(); } catch {} };
    const names = readdirSync('/proc/self/task').map(nameOf);
    console.log(JSON.stringify([names.filter((name) => name === 'waitable-poll').length, ...results]));
  })();
`;

const RESULTS = [false, false, true, 1, 1, 3];

/** Runs a program to which system calls are refused, and returns what it prints; undefined without a compiler. */
async function run(source: string, env: Record<string, string>): Promise<unknown> {
  const shim = shimPath();
  if (shim === undefined) {
    return undefined;
  }
  const { stdout } = await runScript({ source }, [], { env: { LD_PRELOAD: shim, WAITABLE_EVENT_POLLER: '', ...env } });
  return JSON.parse(stdout);
}

describe('a process to which the kernel refuses', () => {
  test.each([
    ['epoll_create1', ENOSYS],
    ['epoll_create1', EPERM],
    ['timerfd_create', ENOSYS],
    ['timerfd_create', EPERM],
    ['nested', 0],
  ])('%s with errno %d polls in a thread', async (call, errno) => {
    for (const driver of ['uv', 'thread']) {
      const env = { REFUSED_CALLS: `:${call}`, REFUSED_WITH: String(errno), WAITABLE_EVENT_DRIVER: driver };
      expect((await run(PROGRAM, env)) ?? [1, ...RESULTS]).toEqual([1, ...RESULTS]);
    }
  });

  test.each([ENOSYS, EPERM])('eventfd() with errno %d wakes its threads by pipes', async (errno) => {
    const env = { REFUSED_CALLS: ':eventfd', REFUSED_WITH: String(errno) };
    expect((await run(PROGRAM, env)) ?? [0, ...RESULTS]).toEqual([0, ...RESULTS]);
  });

  test('nothing needs no thread', async () => {
    expect((await run(PROGRAM, {})) ?? [0, ...RESULTS]).toEqual([0, ...RESULTS]);
  });

  test.each([
    ['a thread for poll()', { WAITABLE_EVENT_POLLER: 'poll' }],
    ['a thread for its driver', { WAITABLE_EVENT_DRIVER: 'thread' }],
  ])('%s rejects the first wait with EAGAIN', async (_, variables) => {
    const source = `
      const { RunLoop, WaitableEvent, selectAsync } = require('waitable-event');
      const codeOf = (promise) => promise.then((value) => value, (error) => error.code);
      (async () => {
        const event = new WaitableEvent();
        const results = [event.wait(1), await codeOf(event.waitAsync(1)), await codeOf(selectAsync([event], [], [], 1))];
        process.env.REFUSED_CALLS = '';
        results.push(await codeOf(event.waitAsync(1)));
        console.log(JSON.stringify(results));
      })();
    `;
    const env = { REFUSED_CALLS: ':pthread_create', REFUSED_WITH: String(EAGAIN), ...variables };
    const expected = [false, 'EAGAIN', 'EAGAIN', false];
    expect((await run(source, env)) ?? expected).toEqual(expected);
  });
});

describe('WAITABLE_EVENT_POLLER', () => {
  test('"poll" polls in a thread', async () => {
    expect((await run(PROGRAM, { WAITABLE_EVENT_POLLER: 'poll' })) ?? [1, ...RESULTS]).toEqual([1, ...RESULTS]);
  });

  test('"epoll" has nothing to fall back on', async () => {
    const source = `
      const { WaitableEvent } = require('waitable-event');
      new WaitableEvent().waitAsync(1).catch((error) => console.log(JSON.stringify(error.code)));
    `;
    const env = { WAITABLE_EVENT_POLLER: 'epoll', REFUSED_CALLS: ':epoll_create1', REFUSED_WITH: String(ENOSYS) };
    expect((await run(source, env)) ?? 'ENOSYS').toBe('ENOSYS');
  });

  test('what another system has is refused at the first wait, with a code', async () => {
    const source = `
      const { WaitableEvent } = require('waitable-event');
      new WaitableEvent().waitAsync(1).catch((error) => console.log(JSON.stringify(error.code)));
    `;
    expect((await run(source, { WAITABLE_EVENT_POLLER: 'kqueue' })) ?? 'ENOTSUP').toBe('ENOTSUP');
  });

  test.each(['EPOLL', 'select', '1'])('%p is refused at require(), with a code', async (poller) => {
    const source = `
      try { require('waitable-event'); } catch (error) { console.log(JSON.stringify(error.code)); }
    `;
    expect((await run(source, { WAITABLE_EVENT_POLLER: poller })) ?? 'ERR_INVALID_ARG_VALUE').toBe(
      'ERR_INVALID_ARG_VALUE',
    );
  });
});
