/** Node's own `process`, as it was when the package was loaded: programs and test runners replace the global one. */
export const nodeProcess: NodeJS.Process = process;
