/**
 * The interfaces by which channels and loops know each other.
 *
 * A channel names its loop, and a loop names its channels. Both import this file alone, so neither imports the other.
 */

/** The methods that a run loop calls: those of a {@link Dispatcher}, or of an object with the same methods. */
export interface Channel {
  /** Returns the descriptor that the loop watches. */
  fileno(): number;
  /** Returns whether the channel wants to be read. */
  readable(): boolean;
  /** Returns whether the channel wants to be written. */
  writable(): boolean;
  /** Handles a readable descriptor. */
  handleReadEvent(): unknown;
  /** Handles a writable descriptor. */
  handleWriteEvent(): unknown;
  /** Handles an exceptional condition. */
  handleExptEvent(): unknown;
  /** Handles the end: the peer is gone, and the last byte was read. */
  handleClose(): unknown;
  /** Handles what another handler threw. */
  handleError(error: unknown): unknown;
  /** Leaves the loop. */
  delChannel(): void;
}

/** The methods that a channel calls on the loop it joins: those of a {@link RunLoop}. */
export interface Loop {
  /** Adds a channel. */
  add(channel: Channel): void;
  /** Removes a channel; does nothing when the loop does not have it. */
  remove(channel: Channel): void;
  /** Asks a channel for its interest again; does nothing when the loop does not have it. */
  update(channel: Channel): void;
}

/** Marks the prototypes of loops. `instanceof` would need the class, and so an import in the other direction. */
const brand = Symbol('waitable-event.Loop');

/**
 * The key of a channel's count of successful reads, writes and clears. It is a symbol because a subclass may use any
 * name. Channels that the package does not read or write for have no such count.
 */
export const activity: unique symbol = Symbol('activity');

/** The key of a method that returns the descriptor of an object of this package, for a poller of this process alone. */
export const privateFileno: unique symbol = Symbol('privateFileno');

/**
 * Returns the descriptor of an object, for a poller of this process alone. Unlike `fileno()`, that does not prepare our
 * own objects for other processes that get the descriptor, which makes reads and writes slower.
 */
export function memberFileno(object: { fileno(): number; [privateFileno]?(): number }): number {
  return object[privateFileno]?.() ?? object.fileno();
}

/** The loop of each channel. */
const loops = new WeakMap<Channel, Loop>();

let findDefaultLoop: (() => Loop) | undefined;

/** Makes {@link isLoop} true for all objects with this prototype. */
export function brandLoop(prototype: Loop): void {
  Object.defineProperty(prototype, brand, { value: true });
}

/** Returns whether `value` is a loop of this copy of the package. */
export function isLoop(value: unknown): value is Loop {
  return typeof value === 'object' && value !== null && brand in value;
}

/** Returns the loop that `channel` is in. */
export function loopOf(channel: Channel): Loop | undefined {
  return loops.get(channel);
}

/** Remembers the loop of `channel`; `undefined` means none. */
export function setLoop(channel: Channel, loop: Loop | undefined): void {
  if (loop === undefined) {
    loops.delete(channel);
  } else {
    loops.set(channel, loop);
  }
}

/** Returns this thread's own loop, which channels and task managers join by default. */
export function defaultLoop(): Loop {
  return (findDefaultLoop as () => Loop)();
}

/** Sets the function that returns this thread's own loop. It is called once, where that loop is made. */
export function setDefaultLoop(find: () => Loop): void {
  findDefaultLoop = find;
}
