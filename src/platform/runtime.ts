/** Which runtime this is, and whether it has what the package needs. */

import { nodeProcess } from './node-process';

const { versions } = nodeProcess;

/** The runtimes beside Node that have its API, with their least versions. */
const OTHERS = [
  // Before, terminate() of a blocked worker hangs; before 1.2, native functions get wrong values.
  { key: 'bun', name: 'Bun', least: [1, 3] },
  // Before, a BroadcastChannel needs a flag or has no unref(), and node:perf_hooks has no createHistogram().
  { key: 'deno', name: 'Deno', least: [2, 8] },
] as const;

/** Whether this is Node itself, whose libuv may be called. Bun exports its functions and aborts when one is called. */
export const sharesUv: boolean = OTHERS.every(({ key }) => versions[key] === undefined);

/** Whether `node:v8` has Serializer and Deserializer: Bun has only the functions that use them. */
export const hasSerializer: boolean = versions['bun'] === undefined;

/**
 * Whether a BroadcastChannel can be read where the event loop stands still. Deno's receiveMessageOnPort() refuses one,
 * and Bun's finds nothing.
 */
export const canReadChannels: boolean = sharesUv;

/** Returns why this runtime cannot load the package; `undefined` if it can. */
export function unsupportedReason(): string | undefined {
  for (const { key, name, least } of OTHERS) {
    const version = versions[key];
    if (version !== undefined && isOlder(version, least)) {
      return `${name} ${version} is too old: at least ${name} ${least.join('.')} is needed.`;
    }
  }
  if (typeof nodeProcess.getBuiltinModule !== 'function') {
    return `Node ${nodeProcess.version} is too old: at least Node 20.19 is needed.`;
  }
  return typeof SharedArrayBuffer === 'function' ? undefined : 'This runtime has no SharedArrayBuffer.';
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
