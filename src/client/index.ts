/**
 * The other threads' end of a task manager: sends tasks and calls, and reads the replies.
 * May use: protocol, transport, virtual-time, event, platform, util.
 */

export {
  type CallOptions,
  type CallSyncOptions,
  type ConnectOptions,
  RemoteTaskManager,
  type ScheduledTask,
} from './remote-task-manager';
