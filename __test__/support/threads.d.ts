// The types of threads.js, which workers load as it is.

export const PHASE: number;
export const TID: number;
export const COUNT: number;
export const STOP: number;
export const GATE: number;
export const TIMEOUT_FACTOR: number;
export const TIME_LIMIT: number;
export function makeWords(): Int32Array<SharedArrayBuffer>;
export function announce(words: Int32Array, phase: number): void;
export function stateOf(tid: number, pid?: number | 'self'): string;
export function isAsleep(tid: number, pid?: number | 'self'): boolean;
export function isBlocked(words: Int32Array, phase?: number): boolean;
export function awaitWord(words: Int32Array, index: number, value: number): void;
export function sleepForever(): void;
export function monotonic(): number;
export function until(condition: () => boolean, what: string | (() => string), limit?: number): Promise<void>;
export function untilSync(condition: () => boolean, what: string | (() => string)): void;
