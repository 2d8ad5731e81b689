// The types of programs.js.

export const KINDS: string[];
export const PROGRAMS: Record<string, { kind: string; operations: number }>;
