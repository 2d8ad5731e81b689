/**
 * The order of tasks in time, over numbers in typed arrays.
 * May use: nothing.
 */

export { TaskQueue } from './task-queue';
export { type QueueEntry, onDequeued, tableIndex } from './task-table';
