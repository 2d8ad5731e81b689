/**
 * Reads tasks that no thread has sent, so that V8 has compiled the way of a task before the first one of another thread
 * takes it: 45 functions, at 10 to 15 µs each.
 */

import { ACTIVITY_BYTES, RECORD_NAME, RECORD_NOW, REHEARSAL, encodeName } from '../protocol';
import { PAYLOAD_BYTES, PayloadWriter, RingWriter, makePrivateRingMemory } from '../transport';
import { Producer, type RecordHandlers } from './producer';

/**
 * V8 learns from the eighth call of a function on. If it learned that there are two handlers, this one and another, it
 * would not compile that one into its caller: 38 ns a task instead of 34.
 */
const TASKS = 6;

const SIZES = { slots: 128, bytes: 1024 };

let isDone = false;

/**
 * Makes a producer that no thread knows, and reads what it would have sent. Its handler does nothing, and counts
 * nowhere. Each thread does this once. Never throws.
 */
export function rehearse({ createForRehearsal }: RecordHandlers): void {
  const createHandler = isDone ? undefined : createForRehearsal();
  if (createHandler === undefined) {
    return;
  }
  isDone = true;
  try {
    const ring = makePrivateRingMemory(SIZES);
    const producer = new Producer(
      {
        ring,
        replies: makePrivateRingMemory(SIZES),
        doorbell: undefined,
        channel: '',
        activity: new SharedArrayBuffer(ACTIVITY_BYTES),
        threadId: 0,
        number: 0,
      },
      createHandler,
      () => undefined,
    );
    const writer = new RingWriter(ring);
    writer.push(RECORD_NAME | PAYLOAD_BYTES, 0, 0, 0, 0, encodeName(REHEARSAL));
    const payloads = new PayloadWriter(writer);
    for (let task = 0; task < TASKS; task += 1) {
      payloads.push(RECORD_NOW, 0, task, 0, task);
    }
    producer.beginPass();
    producer.readQuantum(producer.readable(producer.quota));
    producer.flush();
    producer.consumeAnswered();
  } catch {
    // The stack has no room for it. The first task compiles what it needs.
  }
}
