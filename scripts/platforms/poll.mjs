import { builtCopy, run as runCommand, withoutTests } from '../support/built-copy.mjs';

export const summary = 'the poll() backend, for kernels and sandboxes that refuse epoll or kqueue';

/** The tests that cannot pass, by the end of their full names, as a regular expression, each with the reason. */
export const CANNOT = {
  'run\\(\\) with 2000 dispatchers over one description is rejected with EINVAL': 'a limit of epoll',
  'a running loop takes what the kernel allows of 2000 dispatchers over one description': 'a limit of epoll',
  'after the kernel has refused timerfd_settime\\(\\) .*': 'alarms are timeouts of ppoll(), and no timers',
  'a channel of \\d levels of epolls is dispatched, or refused with ELOOP': 'looks for the epoll of a loop',
  'a channel that is one epoll is dispatched': 'looks for the epoll of a loop',
  'a recv\\(\\) that is too small for an eventfd is EINVAL, and the channel stays':
    'looks for the one eventfd of a loop',
};

/**
 * Runs the Rust tests and the jest suite with the poll() backend. Arguments go to jest.
 *
 * Without `--driver=NAME` the driver is a thread, so that the two threads of ours are tested together.
 */
export function run(args) {
  const env = { WAITABLE_EVENT_POLLER: 'poll' };
  if (args.length === 0) runCommand('cargo', ['test', '-p', 'waitable-event', '--locked'], { env });
  const tree = builtCopy('poll', {});
  const options = ['--maxWorkers=2', ...(args.some((arg) => arg.startsWith('--driver=')) ? [] : ['--driver=thread'])];
  runCommand('node', ['scripts/jest.mjs', ...withoutTests(Object.keys(CANNOT)), ...options, ...args], {
    cwd: tree,
    env,
  });
}
