import { builtCopy, run as runCommand, withoutTests } from '../support/built-copy.mjs';

export const summary = 'the poll() backend, for kernels and sandboxes that refuse epoll or kqueue';

/** The tests that cannot pass, by their full names, each with the reason. */
export const CANNOT = {};

/** Runs the Rust tests and the jest suite with the poll() backend. Arguments go to jest. */
export function run(args) {
  const env = { WAITABLE_EVENT_POLLER: 'poll' };
  if (args.length === 0) runCommand('cargo', ['test', '-p', 'waitable-event', '--locked'], { env });
  const tree = builtCopy('poll', {});
  runCommand('node', ['scripts/jest.mjs', ...withoutTests(Object.keys(CANNOT)), ...args], { cwd: tree, env });
}
