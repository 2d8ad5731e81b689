/** When the native half cannot be loaded. */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { root } from '../support/files';
import { PLATFORMS, platformName } from '../support/internals';

/** Prints what loading the package throws. Each `replace` is run before. */
async function failure(folder: string, replace = '', env: NodeJS.ProcessEnv = {}): Promise<string> {
  const source = `
    ${replace}
    try {
      require(${JSON.stringify(join(folder, 'lib', 'index.js'))});
    } catch ({ code, message }) {
      console.log(code, message);
    }
  `;
  return (await runScript({ source }, [], { env })).stdout;
}

/** Makes `process.versions` what it is in another runtime. */
const inRuntime = (name: string, version: string): string =>
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, ${name}: '${version}' } });`;

describe('ERR_BINDING_UNAVAILABLE', () => {
  let folder: string;
  /** The package, as it is installed: without a binding of its own. */
  let installed: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'waitable-event-'));
    installed = join(folder, 'node_modules', 'waitable-event');
    cpSync(join(root, 'lib'), join(installed, 'lib'), { recursive: true });
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Installs the package of this platform with a main file of this content. */
  function installBinding(content: string): void {
    const directory = join(folder, 'node_modules', `waitable-event-${platformName()}`);
    mkdirSync(directory);
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ main: './main.js' }));
    writeFileSync(join(directory, 'main.js'), content);
  }

  test('names the package that is missing, what may be the cause, and the platforms that have one', async () => {
    const message = await failure(installed);
    expect(message).toContain(`ERR_BINDING_UNAVAILABLE No native binding of waitable-event could be loaded`);
    expect(message).toContain(`waitable-event-${platformName()} is not installed.\n`);
    expect(message).toContain('--omit=optional');
    expect(message).toContain('lock file');
    expect(message).toContain('bundler');
    expect(message).toContain(PLATFORMS.join(', '));
    expect(message.trim().split('\n').length).toBeLessThanOrEqual(10);
  });

  test('says that a platform has no package', async () => {
    const message = await failure(installed, "Object.defineProperty(process, 'platform', { value: 'aix' });");
    expect(message).toContain(`This platform is aix-${process.arch}, which has no package.\n`);
    expect(message.trim().split('\n').length).toBeLessThanOrEqual(10);
  });

  test.each([
    ['bun', '1.1.45', 'Bun 1.1.45 is too old: at least Bun 1.3 is needed.'],
    ['bun', '1.2.23', 'Bun 1.2.23 is too old: at least Bun 1.3 is needed.'],
    ['bun', '0.9.0-canary.1', 'Bun 0.9.0-canary.1 is too old: at least Bun 1.3 is needed.'],
    ['deno', '1.46.3', 'Deno 1.46.3 is too old: at least Deno 2.8 is needed.'],
    ['deno', '2.7.14', 'Deno 2.7.14 is too old: at least Deno 2.8 is needed.'],
  ])('says that %s %s is too old', async (name, version, reason) => {
    const message = await failure(root, inRuntime(name, version));
    expect(message).toMatch(/^ERR_BINDING_UNAVAILABLE No native binding of waitable-event could be loaded for /);
    expect(message.trim().endsWith(reason)).toBe(true);
  });

  test.each([
    ['bun', '1.3.0'],
    ['bun', '1.10.0-canary.1'],
    ['bun', '2.0.0'],
    ['deno', '2.8.0'],
    ['deno', '2.10.1'],
  ])('does not come in %s %s', async (name, version) => {
    expect(await failure(root, inRuntime(name, version))).toBe('');
  });

  test('says that Node is too old', async () => {
    const message = await failure(root, "Object.defineProperty(process, 'getBuiltinModule', { value: undefined });");
    expect(message.trim().endsWith(`Node ${process.version} is too old: at least Node 20.19 is needed.`)).toBe(true);
  });

  test('says that there is no SharedArrayBuffer', async () => {
    const message = await failure(root, 'delete globalThis.SharedArrayBuffer;');
    expect(message).toMatch(/^ERR_BINDING_UNAVAILABLE .*This runtime has no SharedArrayBuffer\.\n$/);
  });

  test('says that Deno was not permitted to load it', async () => {
    installBinding("throw Object.assign(new Error('Requires ffi access'), { name: 'NotCapable' });");
    expect(await failure(installed)).toMatch(/^ERR_BINDING_UNAVAILABLE .*Requires ffi access\. Deno .*--allow-ffi/);
  });

  test('says that addons are disabled', async () => {
    const message = await failure(root, '', { NODE_OPTIONS: '--no-addons' });
    expect(message).toMatch(/^ERR_BINDING_UNAVAILABLE No native binding .* loading addons is disabled\. .*--no-addons/);
  });

  test('has the reason of a binding that is damaged', async () => {
    installBinding('process.dlopen({ exports: {} }, __filename);');
    expect(await failure(installed)).toMatch(
      / is installed, and cannot be loaded: [^]*main\.js[^]*\nDelete node_modules/,
    );
  });

  test('says that the end of a binding is missing, which would end the process', async () => {
    installBinding('');
    const directory = join(folder, 'node_modules', `waitable-event-${platformName()}`);
    const binding = readFileSync(join(root, `waitable-event.${platformName()}.node`));
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ main: './binding.node' }));
    writeFileSync(join(directory, 'binding.node'), binding.subarray(0, binding.length / 2));
    const message = await failure(installed);
    expect(message).toMatch(/ is installed, and cannot be loaded: [^]*binding\.node[^]*\nDelete node_modules/);
  });

  test.each(["'/assets/waitable-event.node'", '{ default: "file.node" }', 'null', 'undefined'])(
    'says that a bundler has put %s in place of the binding',
    async (exported) => {
      installBinding(`module.exports = ${exported};`);
      expect(await failure(installed)).toMatch(/^ERR_BINDING_UNAVAILABLE .*external in the bundler\.\n$/);
    },
  );

  test('knows the platforms that have a package', () => {
    expect(PLATFORMS).toEqual(readdirSync(join(root, 'npm')).toSorted());
  });

  test('does not come where the package of the platform is installed', async () => {
    const file = readdirSync(root).find((name) => name.endsWith(`${platformName()}.node`));
    installBinding(`module.exports = require(${JSON.stringify(join(root, String(file)))});`);
    expect(await failure(installed)).toBe('');
  });
});
