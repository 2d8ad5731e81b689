/** `npx waitable-event doctor`: what of this system the package can use, and whether it works. */

import { parseArgs } from 'node:util';

import { examineBinding, examineReactor } from './binding';
import { ownVersion } from './facade';
import { type Finding, USAGE_ERROR, conclude, format } from './report';
import { testItself } from './self-test';
import { compareSpeed } from './speed';
import { examineSystem } from './system';

const HELP = `Usage: npx waitable-event doctor [--json] [--quick] [--help]

Looks at what the package finds on this system, tries each part of it, and compares its speed with that of
postMessage(). That takes about four seconds. A bug report should have what it prints.

  --json    prints the same as JSON: { version, exitCode, verdict, findings: [{ subject, status, text, advice }] }
  --quick   leaves out the speed
  --help    prints this

Exit code: 0 if it works, 1 if it works with limits, 2 if it does not work, ${USAGE_ERROR} for wrong arguments.
`;

/** The arguments; undefined for those that are not understood. */
function readArguments(args: string[]): { json: boolean; quick: boolean; help: boolean } | undefined {
  try {
    const flag = { type: 'boolean', default: false } as const;
    const { values, positionals } = parseArgs({
      args,
      options: { json: flag, quick: flag, help: { ...flag, short: 'h' } },
      allowPositionals: true,
    });
    return values.help || positionals.join(' ') === 'doctor' ? values : undefined;
  } catch {
    return undefined;
  }
}

async function examine(quick: boolean): Promise<Finding[]> {
  const findings = examineSystem();
  const [facade, binary] = examineBinding();
  findings.push(binary);
  if (facade === undefined) return findings;
  findings.push(...(await examineReactor(facade)), ...(await testItself(facade)));
  const isBroken = findings.some(({ status }) => status === 'broken');
  if (!quick && !isBroken) findings.push(await compareSpeed(facade));
  return findings;
}

/** Writes all of `text`, and ends the process: a worker that hangs does not keep it. */
function finish(stream: NodeJS.WriteStream, text: string, exitCode: number): void {
  stream.write(text, () => process.exit(exitCode));
}

/** Runs the program. */
export async function main(args: string[]): Promise<void> {
  const options = readArguments(args);
  if (options === undefined || options.help) {
    const isHelp = options !== undefined;
    finish(isHelp ? process.stdout : process.stderr, HELP, isHelp ? 0 : USAGE_ERROR);
    return;
  }
  const report = conclude(ownVersion(), await examine(options.quick));
  const hasColors = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  const text = options.json ? `${JSON.stringify(report, undefined, 2)}\n` : format(report, hasColors);
  finish(process.stdout, text, report.exitCode);
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    finish(process.stderr, `${error instanceof Error ? error.stack : String(error)}\n`, 2);
  });
}
