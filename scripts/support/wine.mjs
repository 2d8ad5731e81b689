// Wine, which runs programs for Windows: that of Debian 13, unpacked in the cache. Older ones than Wine 10 lack what
// Rust's standard library and newer versions of Node call.
import { copyFileSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, cached, run, say } from './cache.mjs';
import { debianPackages } from './debian.mjs';
import { stripDebugInfo } from './mingw.mjs';
import { inNamespace } from './namespace.mjs';

const VERSION = '10';

/** Where Wine's own programs are, in the packages. */
const LOADER = '/usr/lib/wine/wine64';
const SERVER = '/usr/lib/wine/wineserver64';

/** Where its libraries for Windows are, below `/usr`. */
const LIBRARIES = 'lib/x86_64-linux-gnu/wine/x86_64-windows';

/** Returns how a program for Windows calls a path of this system. */
export function windowsPath(path) {
  return `Z:${path.replaceAll('/', '\\')}`;
}

function packages() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Failure('This needs Linux on x64.');
  }
  // The last two run the shell lines around Wine.
  return debianPackages('debian-13-wine-amd64', 'amd64', ['wine64', 'dash', 'coreutils'], { dependencies: true });
}

/**
 * Returns a folder with Wine's libraries for Windows, without what debuggers read. Each report of Node has the symbols
 * of its stack. For them Wine would read all of that: a report takes ten times as long then.
 */
function libraries() {
  return cached(`wine-${VERSION}-libraries`, (folder) => {
    say("Wine's libraries without debug information");
    cpSync(join(packages(), 'usr', LIBRARIES), folder, { recursive: true });
    const names = readdirSync(folder).filter((name) => name.endsWith('.dll'));
    stripDebugInfo(names.map((name) => join(folder, name)));
  });
}

/** Returns a folder with the locale in which Wine reads file names as UTF-8. In any other one it takes ASCII. */
function locales() {
  const paths = ['usr/lib/locale/C.utf8'];
  return join(debianPackages('debian-13-locale-amd64', 'amd64', ['libc-bin'], { paths }), 'usr', 'lib', 'locale');
}

function inWine(prefix) {
  const variables = [
    `WINEPREFIX='${prefix}'`,
    `WINELOADER=${LOADER}`,
    `WINESERVER=${SERVER}`,
    `LOCPATH='${locales()}'`,
    'LC_ALL=C.UTF-8',
    // No dialogs that offer to install more.
    "WINEDLLOVERRIDES='mscoree,mshtml='",
    'WINEDEBUG=-all',
    // An unset one is reported.
    'XDG_RUNTIME_DIR=/tmp',
  ];
  const usr = join(packages(), 'usr');
  const mounts = [`mount --bind '${libraries()}' '${join(usr, LIBRARIES)}'`, `mount --rbind '${usr}' /usr`];
  return inNamespace(`${mounts.join('\n')}\nexport ${variables.join(' ')}`);
}

/**
 * Returns a function that makes of the command line of a program for Windows another one, which runs it. All of them
 * share one registry and drive C. Their other drives are those of this system: Z is its root.
 *
 * Programs print into a file: Windows asks pipes for what those of Unix do not know, and Node refuses them. `tail`
 * passes on what is in the file.
 */
export function wine() {
  const unpacked = packages();
  const prefix = cached(`wine-${VERSION}-prefix`, (folder) => {
    say('A drive C for Wine');
    const system = join(folder, 'drive_c', 'windows', 'system32');
    mkdirSync(system, { recursive: true });
    // Debian's package links to it in a script, which only an installation runs.
    copyFileSync(join(unpacked, 'usr', 'x86_64-w64-mingw32', 'lib', 'zlib1.dll'), join(system, 'zlib1.dll'));
    const [command, ...args] = inWine(folder)(['sh', '-c', `${LOADER} wineboot -i && ${SERVER} -w`]);
    run(command, args, { what: 'wineboot' });
  });
  const script = `
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    ${LOADER} "$@" > "$log" 2>&1 < /dev/null &
    program=$!
    trap 'kill $program' INT TERM
    tail -n +1 -f --pid=$program "$log" >&2
    wait $program`;
  const wrap = inWine(prefix);
  return (commandLine) => wrap(['sh', '-c', script, 'sh', ...commandLine]);
}
