import { OneShotTask } from 'waitable-event';

/** A task that writes its name into a log when it runs. */
export class Logger extends OneShotTask {
  readonly name: string;
  readonly #log: unknown[];

  constructor(log: unknown[], name: string, when?: number | Date) {
    super(when);
    this.#log = log;
    this.name = name;
  }

  override processTask(): void {
    this.#log.push(this.name);
  }
}
