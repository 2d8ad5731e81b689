/** What the binding does on this system, by what this process has after it was used. */

import { readFileSync, readdirSync } from 'node:fs';

import { sharesUv } from '../platform';
import { type Facade, binaryPath, loadFacade } from './facade';
import { type Finding, describeError } from './report';
import { openDescriptors, runtimeName } from './system';

/** The threads that the binding starts, by the name that the system knows them by. */
const DRIVER_THREAD = 'waitable-event';
const POLLER_THREAD = 'waitable-poll';

/** What Linux has that the poller uses, by the kind of the descriptor. */
const KERNEL_FEATURES = ['eventpoll', 'timerfd', 'eventfd'] as const;

/** Loads the package. Returns it, unless that fails, and the finding. */
export function examineBinding(): [Facade | undefined, Finding] {
  try {
    const facade = loadFacade();
    return [facade, { subject: 'binary', status: 'ok', text: binaryPath() ?? 'loaded' }];
  } catch (error) {
    const [first = '', ...more] = describeError(error).split('\n');
    const advice = more.length === 0 ? {} : { advice: more.join('\n') };
    return [undefined, { subject: 'binary', status: 'broken', text: first, ...advice }];
  }
}

/** Returns the names of this process's threads; undefined where the system does not show them. */
function threadNames(): string[] | undefined {
  try {
    return readdirSync('/proc/self/task').flatMap((id) => {
      try {
        return [readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()];
      } catch {
        // The thread has ended.
        return [];
      }
    });
  } catch {
    return undefined;
  }
}

/** Returns what of the kernel nothing in this process uses: neither the runtime nor the package. */
function findUnused(): string[] {
  const kinds = new Set(openDescriptors().map((link) => /^anon_inode:\[?(\w+)\]?$/.exec(link)?.[1]));
  return KERNEL_FEATURES.filter((kind) => !kinds.has(kind));
}

/** Has the package wait in the event loop once, and returns what woke it. */
export async function examineReactor({ WaitableEvent }: Facade): Promise<Finding[]> {
  const event = new WaitableEvent();
  try {
    const waiting = event.waitAsync(10_000, { ref: true });
    event.set();
    await waiting;
    const threads = threadNames();
    return [driver(threads), poller(threads)];
  } catch (error) {
    const advice = 'A filter of system calls (seccomp) may refuse it, or a limit is reached.';
    return [{ subject: 'event loop', status: 'broken', text: describeError(error), advice }];
  } finally {
    event.close();
  }
}

function driver(threads: string[] | undefined): Finding {
  const isThread = threads?.includes(DRIVER_THREAD);
  const wanted = process.env['WAITABLE_EVENT_DRIVER'] ?? '';
  if (!sharesUv) {
    return { subject: 'driver', status: 'ok', text: `thread: ${runtimeName()} has no libuv that can be used` };
  }
  if (process.platform === 'win32') {
    return { subject: 'driver', status: 'ok', text: 'thread: libuv has no descriptor to watch on Windows' };
  }
  if (wanted === 'thread') return { subject: 'driver', status: 'ok', text: 'thread: WAITABLE_EVENT_DRIVER says so' };
  if (isThread) {
    const text = 'thread: this Node does not export the functions of libuv';
    return { subject: 'driver', status: 'limit', text, advice: 'A wake-up costs one more switch of threads.' };
  }
  const reason = wanted === 'uv' ? 'WAITABLE_EVENT_DRIVER says so' : 'the default on Node';
  return { subject: 'driver', status: 'ok', text: `uv: ${reason}` };
}

function poller(threads: string[] | undefined): Finding {
  if (process.platform === 'win32') {
    return { subject: 'poller', status: 'ok', text: 'sets in memory, and completion ports' };
  }
  const wanted = process.env['WAITABLE_EVENT_POLLER'] ?? '';
  if (threads === undefined) {
    return {
      subject: 'poller',
      status: 'ok',
      text: `${wanted === '' ? 'that of the system' : wanted}, not shown here`,
    };
  }
  if (!threads.includes(POLLER_THREAD)) {
    return { subject: 'poller', status: 'ok', text: 'epoll, with timerfd and eventfd' };
  }
  if (wanted === 'poll') return { subject: 'poller', status: 'ok', text: 'poll: WAITABLE_EVENT_POLLER says so' };
  const unused = findUnused();
  const reason = unused.length === 0 ? 'sets of descriptors do not report each other' : `no ${unused.join(', ')}`;
  return {
    subject: 'poller',
    status: 'limit',
    text: `poll, in a thread: ${reason}`,
    advice: 'If a filter of system calls (seccomp) refuses epoll_create1() or\ntimerfd_create(), allow them.',
  };
}
