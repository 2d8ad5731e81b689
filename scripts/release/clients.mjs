// Package managers, each as a project meets it: what it reads from the project, and how it installs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the files of a project of yarn 4. */
function yarnrc(url, nodeLinker) {
  return {
    '.yarnrc.yml': {
      npmRegistryServer: url,
      unsafeHttpWhitelist: ['127.0.0.1'],
      nodeLinker,
      enableGlobalCache: false,
      enableImmutableInstalls: false,
      enableTelemetry: false,
      // Otherwise ECMAScript modules of a project without "type": "module" do not find their packages.
      pnpEnableEsmLoader: true,
      // What is new may be bad: such a client does not install it on its first days.
      npmMinimalAgeGate: 0,
    },
  };
}

/**
 * The clients by name. `files` are those of a project; `install` is its command line on a runtime, `run` that of a
 * program (default: the runtime itself). `choosesLibc` tells whether it leaves out packages for another C library.
 */
export function clients({ npm, pnpm, yarn1, yarn4, bun }) {
  return {
    npm: {
      choosesLibc: true,
      files: () => ({}),
      install: (node) => [node, npm, 'install', '--no-audit', '--no-fund', '--loglevel=error'],
    },
    pnpm: {
      choosesLibc: true,
      files: () => ({ 'pnpm-workspace.yaml': { minimumReleaseAge: 0 } }),
      install: (node) => [node, pnpm, 'install', '--no-frozen-lockfile'],
    },
    'yarn 1': {
      choosesLibc: false,
      files: () => ({}),
      install: (node) => [node, yarn1, 'install', '--non-interactive', '--no-progress'],
    },
    'yarn 4': {
      choosesLibc: true,
      files: (url) => yarnrc(url, 'node-modules'),
      install: (node) => [node, yarn4, 'install'],
    },
    'yarn 4, PnP': {
      choosesLibc: true,
      isPlugAndPlay: true,
      files: (url) => yarnrc(url, 'pnp'),
      install: (node) => [node, yarn4, 'install'],
      run: (node, file) => [node, yarn4, 'node', file],
    },
    bun: {
      choosesLibc: true,
      files: () => ({}),
      install: () => [bun, 'install', '--no-progress'],
    },
  };
}

/** Makes `folder` a project that depends on the package. */
export function writeProject(folder, version, registry, client) {
  const manifest = { name: 'rehearsal', version: '1.0.0', private: true, dependencies: { 'waitable-event': version } };
  const files = { 'package.json': manifest, ...client.files(registry.url) };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), `${JSON.stringify(content, undefined, 2)}\n`);
  }
  writeFileSync(join(folder, '.npmrc'), `registry=${registry.url}\n`);
}

/** Returns the environment in which clients run: a home of their own, this registry, and no Rust. */
export function clientEnvironment(home, registry, bin) {
  return {
    PATH: [bin, '/usr/bin', '/bin'].join(':'),
    HOME: home,
    LANG: 'C.UTF-8',
    CI: 'true',
    NPM_CONFIG_REGISTRY: registry.url,
    NPM_CONFIG_CACHE: join(home, 'npm-cache'),
    NPM_CONFIG_UPDATE_NOTIFIER: 'false',
    YARN_CACHE_FOLDER: join(home, 'yarn-cache'),
    BUN_INSTALL_CACHE_DIR: join(home, 'bun-cache'),
    XDG_DATA_HOME: join(home, 'data'),
  };
}
