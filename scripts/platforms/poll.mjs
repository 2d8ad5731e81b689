import { splitArguments } from '../support/arguments.mjs';
import { run as runCommand, testCopy } from '../support/built-copy.mjs';
import { root } from '../support/cache.mjs';
import { SMALL_SUBSET, SUBSET } from '../support/subset.mjs';
import { ensureBuild } from '../support/tested-build.mjs';

export const summary = 'the poll() backend, for kernels and sandboxes that refuse epoll or kqueue';

/** The tests that cannot pass, by the end of their full names, as a regular expression, each with the reason. */
export const CANNOT = {
  'random programs do what their model says (?:select-model|model-threads)':
    'a descriptor that was closed stays open until the thread that polls it wakes, so its peer hangs up later',
  'run\\(\\) with 2000 dispatchers over one description is rejected with EINVAL': 'a limit of epoll',
  'a running loop takes what the kernel allows of 2000 dispatchers over one description': 'a limit of epoll',
  'after the kernel has refused timerfd_settime\\(\\) .*': 'alarms are timeouts of ppoll(), and no timers',
  'names the fallback when there is no timerfd': 'as above: it works without, and is no fallback',
  'says what fails when timers cannot be set': 'as above',
  'a channel of \\d levels of epolls is dispatched, or refused with ELOOP': 'looks for the epoll of a loop',
  'a channel that is one epoll is dispatched': 'looks for the epoll of a loop',
  'a recv\\(\\) that is too small for an eventfd is EINVAL, and the channel stays':
    'looks for the one eventfd of a loop',
};

/**
 * Runs the Rust tests and the jest suite with the poll() backend. `--subset` leaves out what does not depend on it.
 * Other arguments go to jest.
 *
 * Without `--driver=NAME` the driver is a thread, so that the two threads of ours are tested together.
 */
export async function run(args) {
  const env = { WAITABLE_EVENT_POLLER: 'poll' };
  if (splitArguments(args).patterns.length === 0) {
    runCommand('cargo', ['test', '-p', 'waitable-event', '--locked'], { env });
  }
  ensureBuild();
  const subset = { default: SMALL_SUBSET, thread: SUBSET };
  const settings = { label: 'poll', args, drivers: ['thread'], subset, cannot: CANNOT, variables: env };
  const isGood = await testCopy(root, settings);
  process.exitCode = isGood ? 0 : 1;
}
