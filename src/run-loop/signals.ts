/** Signals that stop a loop, in any thread, whether it is blocked in native code or not. */

import { Dispatcher } from '../dispatcher';
import type { TaskHost } from '../task-manager';
import { check, native, nodeProcess, os, sharesUv, workerThreads } from '../platform';
import { InvalidArgTypeError, InvalidArgValueError } from '../util';

/**
 * Returns the numbers of the signals with these names. Throws for names that are none, and for signals that cannot be
 * caught.
 */
export function validateSignals(names: NodeJS.Signals[] | undefined): number[] {
  if (names === undefined) {
    return [];
  }
  if (!Array.isArray(names)) {
    throw new InvalidArgTypeError('options.stopOn', 'a list of signal names', names);
  }
  return names.map((name) => {
    const number =
      typeof name === 'string' && Object.hasOwn(os().constants.signals, name)
        ? os().constants.signals[name]
        : undefined;
    if (number === undefined || name === 'SIGKILL' || name === 'SIGSTOP') {
      throw new InvalidArgValueError(
        'options.stopOn',
        "a list of names of signals that can be caught, such as 'SIGTERM'",
        name,
      );
    }
    return number;
  });
}

/** Becomes readable when a signal has arrived. */
class SignalChannel extends Dispatcher {
  readonly #fd: number;
  readonly #onSignal: () => void;

  constructor(number: number, onSignal: () => void) {
    super();
    this.#onSignal = onSignal;
    this.#fd = check(native.watchSignal(number, sharesUv), 'sigaction');
  }

  fileno(): number {
    return this.#fd;
  }

  override writable(): boolean {
    return false;
  }

  override handleRead(): void {
    this.#onSignal();
  }

  /** Ends the watch. The channel has left its loop. */
  override close(): void {
    native.unwatchSignal(this.#fd);
  }
}

/**
 * Watches signals natively, each with a channel in the loop, beside all others that listen to them. Returns a function
 * that ends the watches.
 */
export function openSignals(host: TaskHost, numbers: readonly number[], onSignal: () => void): () => void {
  const channels: SignalChannel[] = [];
  const close = (): void => {
    for (const channel of channels) {
      host.removeInternal(channel);
      channel.close();
    }
  };
  try {
    for (const number of numbers) {
      const channel = new SignalChannel(number, onSignal);
      channels.push(channel);
      host.addInternal(channel);
    }
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

/**
 * Listens to signals while Node's event loop runs. On the main thread it uses Node's own signal events, beside the
 * program's listeners. A worker has no such events, so there it calls {@link openSignals}. Returns a function that
 * stops listening.
 */
export function listenToSignals(
  host: TaskHost,
  numbers: readonly number[],
  names: readonly NodeJS.Signals[],
  onSignal: () => void,
): () => void {
  if (!workerThreads().isMainThread) {
    return openSignals(host, numbers, onSignal);
  }
  const kept: number[] = [];
  const close = (): void => {
    names.forEach((name) => nodeProcess.off(name, onSignal));
    kept.forEach((number) => native.releaseSignal(number));
  };
  try {
    // Node sets the default action when its last listener goes, whatever was there before the first one.
    for (const number of numbers) {
      check(native.keepSignal(number), 'sigaction');
      kept.push(number);
    }
    names.forEach((name) => nodeProcess.on(name, onSignal));
  } catch (error) {
    close();
    throw error;
  }
  native.listeningToSignals();
  return close;
}
