import { splitArguments } from '../support/arguments.mjs';
import { builtCopy, run as runCommand, testCopy } from '../support/built-copy.mjs';
import { SMALL_SUBSET, SUBSET } from '../support/subset.mjs';

export const summary = 'the kqueue backend of macOS and FreeBSD, over a stand-in on Linux';

const FLAGS = '--cfg waitable_kqueue_stand_in';

/** The tests that cannot pass, by the end of their full names, as a regular expression, each with the reason. */
export const CANNOT = {
  'of a FIFO does not change for the others': 'a pipe cannot be opened anew there: docs/platforms.md says what differs',
  'a recv\\(\\) that is too small for an eventfd is EINVAL, and the channel stays': 'looks for the eventfd of a loop',
  'does not wake while it blocks, although its event loop has a message to deliver':
    'Linux alone has an eventfd of the event loop; elsewhere a blocked thread looks every 20 ms while a message waits',
  '(?:loop|run|running|runSync|selectAsync|worker)\\(\\) reports a change, or refuses the file: \\w+ of the \\w+':
    'files that report once are of Linux alone; only select(), which is poll(), has them here',
  'one event wakes \\d{3} loops(?: that ran before they got it)?': 'the stand-in has the limit of epoll, a kqueue none',
  '2000 dispatchers over one pipe are dispatched': 'as above: no pipe is opened anew to get round it',
  'run\\(\\) with 2000 dispatchers over one description is rejected with EINVAL': 'a limit of epoll',
  'a running loop takes what the kernel allows of 2000 dispatchers over one description': 'a limit of epoll',
  '(?:timerfd_create with errno \\d+|nested with errno 0) polls in a thread': 'refuses what the stand-in calls later',
  'names the fallback when there is no timerfd': 'as above: the stand-in needs timerfd',
  'a number of an event that was closed, for which a wait goes on':
    'the stand-in reports a closed number while a duplicate of its descriptor is open, a kqueue does not',
  'WAITABLE_EVENT_POLLER "epoll" has nothing to fall back on': 'there is no epoll',
  'what another system has is refused at the first wait, with a code': 'kqueue is what this one has',
};

/**
 * Runs the Rust tests and the jest suite with the stand-in, with both drivers: Node on macOS and FreeBSD has both.
 * `--driver=NAME` names one, and `--subset` leaves out what does not depend on the backend. Other arguments go to jest.
 */
export async function run(args) {
  const env = { RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} ${FLAGS}`.trim(), CARGO_TARGET_DIR: 'target/kqueue' };
  if (splitArguments(args).patterns.length === 0) {
    runCommand('cargo', ['test', '-p', 'waitable-event', '--locked'], { env });
  }
  const tree = builtCopy('kqueue', { RUSTFLAGS: env.RUSTFLAGS });
  const drivers = ['default', 'thread'];
  const subset = { default: SUBSET, thread: SMALL_SUBSET };
  const isGood = await testCopy(tree, { label: 'kqueue', args, drivers, subset, cannot: CANNOT });
  process.exitCode = isGood ? 0 : 1;
}
