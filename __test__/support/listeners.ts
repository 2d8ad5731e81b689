/** An AbortSignal that counts its listeners. */

/** Returns a controller, and a function that returns how many listeners its signal has. */
export function countListeners(): [controller: AbortController, count: () => number] {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };
  return [controller, () => listeners];
}
