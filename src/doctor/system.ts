/** What can be said of the machine and of the runtime without the binding. */

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { availableParallelism, release, type } from 'node:os';

import { PLATFORMS, isMusl, platformName, unsupportedReason } from '../platform';
import type { Finding } from './report';

/** With fewer free descriptors than this, a program soon has none: an event takes two. */
const FEW_DESCRIPTORS = 64;

/** The part of a diagnostic report that the doctor reads. */
interface DiagnosticReport {
  readonly header?: { readonly glibcVersionRuntime?: string };
  readonly userLimits?: Readonly<Record<string, { readonly soft: number | string }>>;
}

/** Returns what the functions below can tell. */
export function examineSystem(): Finding[] {
  return [runtime(), platform(), cLibrary(), descriptors(), pipes(), cores()].filter(
    (finding) => finding !== undefined,
  );
}

/** Returns the content of a file without the space around it; undefined if it cannot be read. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

let diagnostics: DiagnosticReport | undefined;

/** Returns a diagnostic report; an empty one where the runtime makes none. */
function diagnosticReport(): DiagnosticReport {
  if (diagnostics === undefined) {
    try {
      // Without it, the report looks up the names of all peers.
      Object.assign(process.report, { excludeNetwork: true });
      diagnostics = process.report.getReport();
    } catch {
      diagnostics = {};
    }
  }
  return diagnostics;
}

/** Returns the name of the runtime and its version. */
export function runtimeName(): string {
  const { bun, deno } = process.versions as { readonly bun?: string; readonly deno?: string };
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node ${process.version}` : `Deno ${deno}`;
}

function runtime(): Finding {
  const flags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].filter((flag) => flag !== '');
  const text = flags.length === 0 ? runtimeName() : `${runtimeName()}, started with ${flags.join(' ')}`;
  const reason = unsupportedReason();
  return reason === undefined
    ? { subject: 'runtime', status: 'ok', text }
    : { subject: 'runtime', status: 'broken', text, advice: reason };
}

function platform(): Finding {
  const name = platformName();
  const text = `${name}, ${type()} ${release()}`;
  return PLATFORMS.includes(name)
    ? { subject: 'platform', status: 'ok', text }
    : { subject: 'platform', status: 'note', text: `${text}: no package, so it is built from source` };
}

function cLibrary(): Finding | undefined {
  if (process.platform !== 'linux') return undefined;
  const version = diagnosticReport().header?.glibcVersionRuntime;
  const name = isMusl(process.execPath) ? 'musl' : `glibc ${version ?? 'of an unknown version'}`;
  return { subject: 'C library', status: 'ok', text: name };
}

/** Returns how many descriptors this process may have; undefined if that is not known. */
function descriptorLimit(): number | undefined {
  const soft =
    /^Max open files +(\w+)/m.exec(contentOf('/proc/self/limits') ?? '')?.[1] ??
    diagnosticReport().userLimits?.['open_files']?.soft;
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Infinity : Number(soft);
}

/** Returns what the open descriptors of this process are; an empty list where the system does not show them. */
export function openDescriptors(): string[] {
  for (const folder of ['/proc/self/fd', '/dev/fd']) {
    try {
      return readdirSync(folder).flatMap((name) => {
        try {
          return [readlinkSync(`${folder}/${name}`)];
        } catch {
          // That of the folder itself is closed again; those in /dev/fd are no links.
          return folder === '/dev/fd' ? [name] : [];
        }
      });
    } catch {
      // There is another folder.
    }
  }
  return [];
}

function descriptors(): Finding | undefined {
  const limit = descriptorLimit();
  if (limit === undefined) return undefined;
  const open = openDescriptors().length;
  const free = Math.max(0, limit - open);
  const text = `${open} open, at most ${limit}: ${free} free, for about ${Math.floor(free / 2)} events`;
  if (free >= FEW_DESCRIPTORS) return { subject: 'descriptors', status: 'ok', text };
  return { subject: 'descriptors', status: 'limit', text, advice: 'Raise the limit: ulimit -n 1024, or more.' };
}

function pipes(): Finding | undefined {
  const [soft, hard] = ['soft', 'hard'].map((kind) => contentOf(`/proc/sys/fs/pipe-user-pages-${kind}`));
  if (soft === undefined || hard === undefined) return undefined;
  // A pipe has 16 pages at first. An event needs one byte of it.
  const small = soft === '0' ? '' : `, smaller ones after ${Math.floor(Number(soft) / 16)}`;
  const isLimited = hard !== '0' && process.getuid?.() !== 0;
  return {
    subject: 'pipes',
    status: isLimited ? 'note' : 'ok',
    text: `${isLimited ? `at most ${hard} pages of all pipes of a user` : 'no limit for a user'}${small}`,
  };
}

function cores(): Finding {
  const count = availableParallelism();
  const governor = contentOf('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor');
  const text = `${count}, ${governor === undefined ? 'governor not shown' : `governor ${governor}`}`;
  if (count === 1) {
    return { subject: 'cores', status: 'note', text: `${text}: a thread that polls takes the only one` };
  }
  return governor === 'powersave'
    ? { subject: 'cores', status: 'note', text: `${text}: a core that sleeps wakes up late` }
    : { subject: 'cores', status: 'ok', text };
}
