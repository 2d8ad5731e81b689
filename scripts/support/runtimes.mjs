// Runs the package on another runtime than Node: README's example, the main job and the jest suite.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRINTED } from '../release/example.mjs';
import { splitArguments } from './arguments.mjs';
import { Failure, root, say } from './cache.mjs';
import { runEachFile, testFiles } from './each-file.mjs';
import { skippedOn } from './runtime-skips.mjs';
import { PATIENT } from './second-run.mjs';
import { SUBSET } from './subset.mjs';
import { ensureBuild } from './tested-build.mjs';

/** How long the example and the main job may take, in milliseconds. */
const TIME_LIMIT = 120_000;

/**
 * Tests on one runtime. `name` chooses what is skipped; `command` is the program with its arguments. Among `args`,
 * `--subset` leaves out what does not depend on the runtime, and `--unskipped` runs also what is skipped.
 * Returns whether all passed.
 */
export async function testOn({ name, version, command, args, hasJest = true }) {
  ensureBuild();
  const label = `${name} ${version}`;
  const { values, patterns, rest } = splitArguments(args);
  if (patterns.length === 0) {
    runExample(label, command);
    runMainJob(label, command);
  }
  if (!hasJest) {
    say(`${label}: jest does not load there, so the suite does not run`);
    return true;
  }
  const folder = mkdtempSync(join(tmpdir(), 'waitable-event-'));
  try {
    const skipped = values.has('unskipped') ? [] : skippedOn(name);
    const list = join(folder, 'skipped.json');
    writeFileSync(list, JSON.stringify(skipped));
    // A file that is skipped is not loaded, either.
    const whole = new Set(
      skipped.filter(({ pattern }) => pattern === undefined).map(({ file }) => join('__test__', file)),
    );
    const chosen = patterns.length === 0 && values.has('subset') ? SUBSET : patterns;
    const files = testFiles(chosen).filter((file) => !whole.has(file));
    say(`${label}: ${whole.size} files are left out, and tests of others (runtime-skips.mjs)`);
    return await runEachFile({
      label,
      command,
      files,
      args: rest,
      variables: { ...PATIENT, TEST_SKIPPED: list },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function outputOf([program, ...flags], args, options) {
  const { status, signal, stdout, stderr, error } = spawnSync(program, [...flags, ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: TIME_LIMIT,
    killSignal: 'SIGKILL',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (status !== 0) throw new Failure(`${program} ${args.join(' ')}: ${error?.message ?? signal ?? status}\n${stderr}`);
  return stdout;
}

function runExample(label, command) {
  const [, source] = /^```js\n([^]*?)^```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'waitable-event-'));
  try {
    const file = join(folder, 'example.cjs');
    writeFileSync(file, source.replace("'waitable-event'", JSON.stringify(root)));
    const printed = outputOf(command, [file]);
    if (printed !== PRINTED) throw new Failure(`${label}: README's example printed ${JSON.stringify(printed)}`);
    say(`${label}: README's example printed ${printed.trim()}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runMainJob(label, command) {
  const job = join('examples', 'sha256sum', 'main.js');
  const own = outputOf(command, [job, 'src']);
  if (own === '' || own !== outputOf([process.execPath], [job, 'src'])) {
    throw new Failure(`${label}: the main job printed other checksums than on Node`);
  }
  say(`${label}: the main job hashed ${own.trim().split('\n').length} files as on Node`);
}
