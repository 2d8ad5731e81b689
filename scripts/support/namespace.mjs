// Mounts that only the tests see. They end with the last process that sees them.
import { spawnSync } from 'node:child_process';
import { Unavailable } from './cache.mjs';

/**
 * Returns a function that takes a command line, as an array, and returns another one: it runs the first one in a mount
 * namespace of its own, after `setup`, lines of a shell. With `ownUsers` there is a user namespace around it, which
 * needs no root; otherwise only if this process is not root.
 */
export function inNamespace(setup, { ownUsers = false } = {}) {
  const flags = ['--mount', '--propagation', 'private'];
  if (ownUsers || process.getuid() !== 0) flags.push('--map-root-user');
  const { status, stderr, error } = spawnSync('unshare', [...flags, 'true'], { encoding: 'utf8' });
  if (status !== 0) {
    throw new Unavailable(
      `unshare ${flags.join(' ')}: ${error?.message ?? stderr.trim()}\n` +
        'This needs namespaces: run it as root, or allow users to make user namespaces (sysctl ' +
        'kernel.unprivileged_userns_clone=1; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0).',
    );
  }
  return (commandLine) => ['unshare', ...flags, 'sh', '-c', `set -e\n${setup}\nexec "$@"`, 'sh', ...commandLine];
}
