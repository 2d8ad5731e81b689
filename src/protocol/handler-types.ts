/** The types of tasks across threads. They exist for the compiler alone. */

// oxlint-disable typescript/no-explicit-any -- only `any` is assignable in both directions

/**
 * The handlers of a manager that has no types: any name, any payload, and results that are `unknown`. A manager with
 * types is assignable to one without, and the other way round.
 */
export type UntypedHandlers = any;

/** The names that handlers have. */
export type TaskName<Handlers> = unknown extends Handlers ? string : keyof Handlers & string;

/** The payload of a name: `undefined` for a handler without a parameter. */
export type TaskPayload<Handlers, Name extends TaskName<Handlers>> = unknown extends Handlers
  ? any
  : Name extends keyof Handlers
    ? Handlers[Name] extends (...args: any) => unknown
      ? Parameters<Handlers[Name]>[0]
      : never
    : never;

/** The result of a name: what the promise of the handler resolves with, where it returns one. */
export type TaskResult<Handlers, Name extends TaskName<Handlers>> = unknown extends Handlers
  ? unknown
  : Name extends keyof Handlers
    ? Handlers[Name] extends (...args: any) => unknown
      ? Awaited<ReturnType<Handlers[Name]>>
      : never
    : never;

/** What follows the name: the payload, which is optional where the handler does without one, and the options. */
export type TaskArguments<Handlers, Name extends TaskName<Handlers>, Options> =
  undefined extends TaskPayload<Handlers, Name>
    ? [payload?: TaskPayload<Handlers, Name>, options?: Options | undefined]
    : [payload: TaskPayload<Handlers, Name>, options?: Options | undefined];
