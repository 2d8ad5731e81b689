// Other processors: qemu in user mode runs their programs, one process each, on this kernel.
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, Unavailable, cached } from './cache.mjs';
import { debianPackages } from './debian.mjs';
import { inNamespace } from './namespace.mjs';

/** The bytes of an ELF file by which the kernel knows a program for a processor, and which of their bits count. */
const MAGICS = {
  aarch64: ['7f454c460201010000000000000000000200b700', 'ffffffffffffff00fffffffffffffffffeffffff'],
  arm: ['7f454c4601010100000000000000000002002800', 'ffffffffffffff00fffffffffffffffffeffffff'],
};

/** Returns the path of qemu for a processor, by qemu's name of it. Older versions than 10 have gaps in their calls. */
export function emulator(processor) {
  const path = join('usr', 'bin', `qemu-${processor}`);
  return join(
    debianPackages(`debian-13-qemu-${processor}`, hostArchitecture(), ['qemu-user'], { paths: [path] }),
    path,
  );
}

const asItIs = (commandLine) => commandLine;

function hostArchitecture() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Unavailable('This needs Linux on x64.');
  }
  return 'amd64';
}

/**
 * Returns a folder that looks like the root of a system for another processor, to programs that qemu runs: packages of
 * Debian with what they depend on.
 */
export function systemRoot(architecture, packages) {
  const unpacked = debianPackages(`debian-13-${packages[0]}-${architecture}`, architecture, packages, {
    dependencies: true,
  });
  return cached(`root-${packages[0]}-${architecture}`, (folder) => {
    symlinkSync(join(unpacked, 'usr'), join(folder, 'usr'));
    symlinkSync(join('usr', 'lib'), join(folder, 'lib'));
  });
}

/**
 * Returns a function that makes of a command line another one, in which programs for another processor can be started
 * like any other. The kernel has a table of foreign programs for each user namespace since Linux 6.7, so nothing is
 * registered in the system. `probe` is a program for that processor, which must succeed with --version.
 */
export function emulated(processor, root, probe) {
  const qemu = emulator(processor);
  const [magic, mask] = MAGICS[processor].map((bytes) => bytes.replaceAll(/../g, String.raw`\x$&`));
  // F: qemu is opened now, and found by no path later.
  const rule = `:waitable-event-${processor}:M::${magic}:${mask}:${qemu}:F`;
  const table = cached('binfmt', () => {});
  const setup = `mount -t binfmt_misc binfmt_misc '${table}'\nprintf '%s' '${rule}' > '${table}/register'`;
  const env = { ...process.env, QEMU_LD_PREFIX: root };
  /** Returns why the probe fails; undefined if it does not. */
  const failureOf = (wrap) => {
    const [command, ...args] = wrap([probe, '--version']);
    const { status, stderr } = spawnSync(command, args, { env, encoding: 'utf8' });
    return status === 0 ? undefined : stderr.trim();
  };

  let error;
  try {
    const wrap = inNamespace(setup, { ownUsers: true });
    error = failureOf(wrap);
    if (error === undefined) return wrap;
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    error = failure.message;
  }
  // The system may know such programs itself.
  if (failureOf(asItIs) === undefined) return asItIs;
  throw new Unavailable(
    `${error}\nThis needs Linux 6.7, or the package qemu-user-binfmt (qemu-user-static on older systems) installed: ` +
      'the latter as root.',
  );
}
