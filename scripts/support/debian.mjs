// Packages of Debian 13 in folders of the cache, also for other processors: nothing is installed in the system, and no
// root is needed. apt checks their signatures.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Unavailable, cached, outputOf, run, say } from './cache.mjs';

const SUITE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Returns the URL of an archive of Debian: $DEBIAN_MIRROR, or what this machine itself installs from. */
function mirror() {
  if (process.env.DEBIAN_MIRROR) return process.env.DEBIAN_MIRROR;
  const advice = 'This needs apt, as Debian and Ubuntu have it.';
  const targets = outputOf('apt-get', ['indextargets', '--format', '$(ORIGIN) $(SUITE) $(REPO_URI)'], { advice });
  const found = targets.split('\n').find((line) => /^Debian (?!.*-security)/.test(line));
  if (found === undefined) {
    throw new Unavailable(
      'Set DEBIAN_MIRROR to the URL of a mirror of the Debian archive: this system installs from another one.',
    );
  }
  return found.split(' ').at(-1);
}

/** Writes a configuration of apt that has nothing in common with the system's but its proxy, and returns its path. */
function configure(folder, architecture) {
  for (const name of ['lists/partial', 'archives/partial', 'parts', 'sources']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  writeFileSync(join(folder, 'status'), '');
  writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${KEYRING}] ${mirror()} ${SUITE} main\n`);
  const settings = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Debug::NoLocking': 'true',
    'Dir::State': folder,
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': folder,
    'Dir::Cache::archives': join(folder, 'archives'),
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': join(folder, 'sources'),
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': join(folder, 'parts'),
  };
  // Lists of names are only ever added to: the system's other architectures are not wanted.
  const text = Object.entries(settings).map(([name, value]) => `#clear ${name};\n${name} "${value}";\n`);
  const path = join(folder, 'apt.conf');
  writeFileSync(path, text.join(''));
  return path;
}

/**
 * Returns a folder of the cache that holds packages for `architecture`, unpacked. With `dependencies`, also those that
 * they depend on. With `paths`, only these files of them.
 */
export function debianPackages(name, architecture, packages, { dependencies = false, paths = [] } = {}) {
  return cached(name, (folder) => {
    say(`Debian ${SUITE}, ${architecture}: ${packages.join(', ')}`);
    if (!existsSync(KEYRING)) throw new Unavailable(`${KEYRING} is missing: install debian-archive-keyring.`);
    const apt = join(folder, 'apt');
    const env = { ...process.env, APT_CONFIG: configure(apt, architecture), DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['update', '-q'], { env });
    const [command, cwd] = dependencies
      ? [['install', '-q', '--yes', '--download-only'], folder]
      : [['download', '-q'], join(apt, 'archives')];
    run('apt-get', [...command, ...packages], { env, cwd });
    for (const file of readdirSync(join(apt, 'archives')).filter((each) => each.endsWith('.deb'))) {
      const unpack = 'archive=$1; shift; dpkg-deb --fsys-tarfile "$archive" | tar -x "$@"';
      const names = paths.map((path) => `./${path}`);
      run('sh', ['-c', unpack, 'sh', join(apt, 'archives', file), '-C', folder, ...names]);
    }
    run('rm', ['-rf', apt]);
  });
}
