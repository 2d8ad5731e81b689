import { within } from './timing';

/** Returns the code of what `call` throws; undefined if it throws nothing. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return undefined;
}

/** Returns the code of what `promise` is rejected with; undefined if it resolves. */
export async function rejectionOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await within(promise, 'a rejection');
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return undefined;
}

/** Prints a measurement, or why something could not be tested. */
export function report(text: string): void {
  process.stderr.write(`    ${text}\n`);
}

/** Returns the code and the message of the error that `call` throws. */
export function messageOf(call: () => unknown): [code: string | undefined, message: string] {
  try {
    call();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return [code, message];
  }
  return [undefined, 'nothing was thrown'];
}
