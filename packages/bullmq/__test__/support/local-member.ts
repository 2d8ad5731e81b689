import { RunLoop, TaskManager } from 'waitable-event';

import { type ClusterOptions, ClusterTaskManager } from '../../lib';

/** A member in the test's own process, with a loop of its own. */
export interface LocalMember {
  cluster: ClusterTaskManager;
  manager: TaskManager;
  errors: unknown[];
  close(): Promise<void>;
}

let queues = 0;

/** Returns a name that no other test uses. */
export function newQueue(): string {
  queues += 1;
  return `queue-${process.pid}-${queues}`;
}

/** Joins a queue. `define` defines the handlers. */
export async function joinHere(
  options: ClusterOptions,
  define: (manager: TaskManager) => void = () => undefined,
): Promise<LocalMember> {
  const loop = new RunLoop();
  const manager = new TaskManager({ loop });
  define(manager);
  const errors: unknown[] = [];
  const running = loop.run();
  const stopLoop = async (): Promise<void> => {
    loop.stop();
    await running;
    manager.close();
    loop.close();
  };
  try {
    const cluster = await ClusterTaskManager.join(manager, { onError: (error) => errors.push(error), ...options });
    const close = async (): Promise<void> => {
      await cluster.close();
      await stopLoop();
    };
    return { cluster, manager, errors, close };
  } catch (error) {
    await stopLoop();
    throw error;
  }
}
