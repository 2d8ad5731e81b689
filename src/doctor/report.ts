/** What the doctor has found out, and what follows from it. */

/** `ok` and `note` cost nothing; with a `limit` the package works; what is `broken` keeps it from working. */
export type Status = 'ok' | 'note' | 'limit' | 'broken';

export interface Finding {
  readonly subject: string;
  readonly status: Status;
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** The exit codes of the program, beside {@link USAGE_ERROR}. */
export type ExitCode = 0 | 1 | 2;

/** The exit code for arguments that the program does not know: that of `sysexits.h`. */
export const USAGE_ERROR = 64;

export interface Report {
  /** The version of the package. */
  readonly version: string;
  readonly exitCode: ExitCode;
  readonly verdict: string;
  readonly findings: readonly Finding[];
}

const VERDICTS = ['It works', 'It works, with limits', 'It does not work'] as const;

const MARKS = { ok: 'ok', note: 'note', limit: 'LIMIT', broken: 'BROKEN' } as const;

/** The escape sequences of terminals for each status. */
const COLORS = { ok: '\u001B[32m', note: '\u001B[36m', limit: '\u001B[33m', broken: '\u001B[31m' } as const;
const RESET = '\u001B[0m';

/** Returns what an error says, with its code once. */
export function describeError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined || message.startsWith(code) ? message : `${code}: ${message}`;
}

/** Returns the findings with what follows from the worst of them. */
export function conclude(version: string, findings: readonly Finding[]): Report {
  const has = (status: Status): boolean => findings.some((finding) => finding.status === status);
  const exitCode = has('broken') ? 2 : has('limit') ? 1 : 0;
  return { version, exitCode, verdict: VERDICTS[exitCode], findings };
}

/** Returns the report as text that ends in a line feed. */
export function format({ version, verdict, findings }: Report, hasColors: boolean): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const lines = findings.map(({ subject, status, text, advice }) => {
    const mark = MARKS[status].padEnd(6);
    const colored = hasColors ? `${COLORS[status]}${mark}${RESET}` : mark;
    const indent = `\n${' '.repeat(7 + width + 2)}`;
    const more = advice === undefined ? '' : `${indent}${advice.replaceAll('\n', indent)}`;
    return `${colored} ${subject.padEnd(width)}  ${text.replaceAll('\n', indent)}${more}`;
  });
  return `waitable-event ${version}\n\n${lines.join('\n')}\n\n${verdict}.\n`;
}
