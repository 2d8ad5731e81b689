import { describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { preloadedLibrary } from '../support/preloaded-library';

/**
 * A library that refuses system calls, as a seccomp filter would, while an environment variable of the process says so:
 * ppoll() (macOS: pselect()) for the thread of the thread driver, and timerfd_settime() for all threads.
 */
const SHIM = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <errno.h>
  #include <poll.h>
  #include <signal.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/prctl.h>
  #include <sys/select.h>
  #include <sys/timerfd.h>

  static int refuses(const char *name) {
    const char *refused = getenv("REFUSED_CALL");
    return refused != NULL && strcmp(refused, name) == 0;
  }

  int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
    static int (*next)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
    char name[16] = "";
    if (next == NULL) next = dlsym(RTLD_NEXT, "ppoll");
    prctl(PR_GET_NAME, name);
    if (strcmp(name, "waitable-event") == 0) {
      /* The thread sleeps in one call: it looks again every few milliseconds, so that it learns of the refusal. */
      for (;;) {
        struct timespec soon = { 0, 5000000 };
        if (refuses("ppoll")) { errno = EPERM; return -1; }
        int ready = next(fds, count, &soon, mask);
        if (ready != 0 || timeout != NULL) return ready;
      }
    }
    return next(fds, count, timeout, mask);
  }

  int pselect(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, const struct timespec *timeout,
              const sigset_t *mask) {
    static int (*next)(int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *);
    char name[16] = "";
    if (next == NULL) next = dlsym(RTLD_NEXT, "pselect");
    prctl(PR_GET_NAME, name);
    if (strcmp(name, "waitable-event") == 0) {
      if (refuses("ppoll")) { errno = EPERM; return -1; }
      /* The caller sleeps again when nothing is ready and there is no deadline. */
      struct timespec soon = { 0, 5000000 };
      return next(count, readable, writable, exceptional, timeout == NULL ? &soon : timeout, mask);
    }
    return next(count, readable, writable, exceptional, timeout, mask);
  }

  int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old) {
    static int (*next)(int, int, const struct itimerspec *, struct itimerspec *);
    if (next == NULL) next = dlsym(RTLD_NEXT, "timerfd_settime");
    if (refuses("timerfd_settime")) { errno = EPERM; return -1; }
    return next(fd, flags, value, old);
  }
`;

const shimPath = preloadedLibrary(SHIM);

/** Runs a program whose system calls can be refused, and returns what it prints; undefined without a compiler. */
async function run(driver: string, body: string): Promise<string | undefined> {
  const shim = shimPath();
  if (shim === undefined) {
    return undefined;
  }
  const source = `
    const { core, RunLoop, TaskManager, WaitableEvent, FunctionTask, selectAsync } = require('waitable-event');
    const refuse = (call) => { process.env.REFUSED_CALL = call; };
    const codeOf = (promise) => promise.then((value) => value, (error) => error.code);
    async function main() { ${body} }
    main().catch((error) => { console.log('uncaught', error); process.exitCode = 1; });
  `;
  const env = { LD_PRELOAD: shim, WAITABLE_EVENT_DRIVER: driver, REFUSED_CALL: '' };
  return (await runScript({ source }, [], { env })).stdout;
}

describe.each(['uv', 'thread'])('with the %s driver, after the kernel has refused timerfd_settime()', (driver) => {
  test('the wait that needed it is rejected, and later deadlines expire', async () => {
    const printed = await run(
      driver,
      `
        const event = new WaitableEvent();
        refuse('timerfd_settime');
        const results = [await codeOf(event.waitAsync(20)), await codeOf(selectAsync([event], [], [], 20))];
        refuse('');
        results.push(await event.waitAsync(20), (await selectAsync([event], [], [], 20)).flat().length);
        console.log(results.join());
      `,
    );
    expect(printed ?? 'EPERM,EPERM,false,0\n').toBe('EPERM,EPERM,false,0\n');
  });

  test('a call with a timeout is rejected, and later calls time out', async () => {
    const printed = await run(
      driver,
      `
        const remote = TaskManager.connect(new TaskManager().handle);
        refuse('timerfd_settime');
        const results = [await codeOf(remote.call('never', 1, { timeout: 20 }))];
        refuse('');
        results.push(await codeOf(remote.call('never', 1, { timeout: 20 })));
        console.log(results.join());
      `,
    );
    expect(printed ?? 'EPERM,ERR_CALL_TIMEOUT\n').toBe('EPERM,ERR_CALL_TIMEOUT\n');
  });

  test('the waits behind an earlier alarm keep it, and those behind an alarm that cannot be set again are rejected', async () => {
    const printed = await run(
      driver,
      `
        const event = new WaitableEvent();
        const first = codeOf(event.waitAsync(1000));
        const second = codeOf(event.waitAsync(1e9));
        refuse('timerfd_settime');
        const results = [await codeOf(event.waitAsync(1)), await first, await second];
        refuse('');
        results.push(await event.waitAsync(1));
        console.log(results.join());
      `,
    );
    expect(printed ?? 'EPERM,false,EPERM,false\n').toBe('EPERM,false,EPERM,false\n');
  });

  test('run() is rejected when its next task has no alarm, and runs the task when it is called again', async () => {
    const printed = await run(
      driver,
      `
        const task = new FunctionTask(() => { console.log('ran'); core.stop(); });
        task.installTask({ delta: 1e9 });
        refuse('timerfd_settime');
        console.log(await codeOf(core.run()), core.running);
        refuse('');
        task.installTask({ delta: 1 });
        await core.run();
      `,
    );
    expect(printed ?? 'EPERM false\nran\n').toBe('EPERM false\nran\n');
  });
});

describe('with the thread driver, when the kernel refuses ppoll()', () => {
  test('everything that waits is rejected, and later waits work', async () => {
    const printed = await run(
      'thread',
      `
        const event = new WaitableEvent();
        const loop = new RunLoop();
        const remote = TaskManager.connect(new TaskManager({ loop: new RunLoop() }).handle);
        const waits = [
          event.waitAsync(), event.waitAsync(1e6), selectAsync([event], [], []), remote.call('never'), loop.run(),
        ];
        const settled = Promise.all(waits.map(codeOf));
        refuse('ppoll');
        console.log((await settled).join());
        console.log(await codeOf(event.waitAsync()));
        refuse('');
        // The thread may have been refused once more, just before.
        let outcome = 'EPERM';
        while (outcome === 'EPERM') {
          const later = new WaitableEvent();
          setTimeout(() => later.set(), 1);
          outcome = await codeOf(later.waitAsync(1e6));
        }
        console.log(outcome);
        remote.close();
      `,
    );
    const expected = 'EPERM,EPERM,EPERM,EPERM,EPERM\nEPERM\ntrue\n';
    expect(printed ?? expected).toBe(expected);
  });
});
