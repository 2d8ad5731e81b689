/** Signals that stop a loop, in whatever thread, blocked in native code or not. */

import { os } from '../platform/lazy-builtins';
import { Dispatcher } from '../dispatcher/dispatcher';
import { InvalidArgTypeError, InvalidArgValueError } from '../util/errors';
import { check, native } from '../platform/binding';

/** The numbers of the signals with these names. */
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

/** A channel that is readable once a signal has come. The signal is this channel's until it is closed. */
export class SignalChannel extends Dispatcher {
  readonly #fd: number;
  readonly #onSignal: () => void;

  constructor(number: number, onSignal: () => void) {
    super();
    this.#onSignal = onSignal;
    this.#fd = check(native.watchSignal(number), 'sigaction');
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

  /** Gives the signal back; the channel has left its loop. */
  override close(): void {
    native.unwatchSignal(this.#fd);
  }
}
