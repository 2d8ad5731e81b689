// The tests for another processor, on this one: those of the Rust core, and a subset of the jest suite.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TARGETS, buildTargets, zigTarget } from '../build-target.mjs';
import { splitArguments } from './arguments.mjs';
import { Failure, root, run, say } from './cache.mjs';
import { emulated, emulator } from './emulator.mjs';
import { testTwice } from './second-run.mjs';
import { ensureBuild, nativePackages } from './tested-build.mjs';
import { zigEnvironment } from './zig.mjs';

/**
 * The files of the jest suite that depend on the processor, its words, its memory order or its system calls. Those that
 * start many workers are left out: each takes one to two seconds of an emulated processor.
 */
const SUBSET = [
  'event/(end-of-pipe|handles|select|state-and-descriptors|wait-async)',
  'internals/(payload|ring|shared-numbers|task-queue)',
  'process/(child-process-event|driver-selection|first-call|signals|terminate-worker)',
  'remote/(call-sync|growing-queues|payloads)',
  'run-loop/(changed-descriptors|descriptor-conditions|run|sleep)',
  'tasks/(clocks|install-task|task-order)',
  'virtual-time/run',
].map((pattern) => `/${pattern}\\.test`);

/** How many times as long as usual the tests may take. */
const FACTOR = 8;

/** Runs the core's tests, cross-compiled, each in an emulator. */
function testRust(target, environment, wrap) {
  say(`Rust tests for ${target}`);
  const options = ['--lib', '--tests', '--locked', '--target', zigTarget(target)];
  const [command, ...args] = wrap(['cargo-zigbuild', 'test', '--package', 'waitable-event', ...options]);
  run(command, args, { what: `cargo test for ${target}`, env: { ...zigEnvironment(), ...environment } });
}

/** Runs the tests for `target`. `args` are for jest; a path among them replaces the subset, and the Rust tests. */
export async function testEmulated({ target, processor, systemRoot, node, label, args, more = [] }) {
  const { platform } = TARGETS[target];
  ensureBuild();
  buildTargets([target]);
  const environment = { QEMU_LD_PREFIX: systemRoot, TEST_KERNEL_ARCH: process.arch, TEST_TIMEOUT_FACTOR: `${FACTOR}` };
  say(`Programs for ${processor} are run by ${emulator(processor)}, in a namespace of their own`);
  const wrap = emulated(processor, systemRoot, node);

  const { patterns, rest } = splitArguments(args);
  const hasPaths = patterns.length > 0;
  if (!hasPaths) testRust(target, environment, wrap);
  const skipped = join(root, 'scripts', 'skipped', `${platform}.json`);
  const isGood = await testTwice({
    node,
    label,
    args: ['--maxWorkers=2', ...rest],
    patterns: hasPaths ? patterns : [...SUBSET, ...more],
    variables: {
      ...environment,
      NODE_PATH: nativePackages(platform),
      ...(existsSync(skipped) ? { TEST_SKIPPED: skipped } : {}),
    },
    wrap,
  });
  if (!isGood) throw new Failure(`Failed on ${label}`);
}
