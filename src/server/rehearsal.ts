/**
 * Reads tasks that no thread has sent, so that V8 has compiled the way of a task before the first one of another thread
 * takes it: 45 functions, at 10 to 15 µs each.
 */

import { ACTIVITY_BYTES, RECORD_NAME, RECORD_NOW, REHEARSAL, encodeName } from '../protocol';
import { PAYLOAD_BYTES, PayloadWriter, RingWriter, makePrivateRingMemory } from '../transport';
import { Producer, type RecordHandlers } from './producer';

/**
 * The passes, and the tasks of each. After 8 calls, V8 notes what a function meets; the first task of a thread finds
 * that, too: 10 tasks take 470 µs and 100 take 555, where one pass of 6 left 580 and 720; 20 passes change no more. The
 * tasks stop short of a handler. If V8 learned that there are two, this one and another, it would not compile that one
 * into its caller: 38 ns a task instead of 34.
 */
const PASSES = 10;
const TASKS = 4;

const SIZES = { slots: 128, bytes: 1024 };

let isDone = false;

/**
 * Makes a producer that no thread knows, and reads what it would have sent. Its tasks do nothing, and count nowhere.
 * Each thread does this once. Never throws.
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
    const payloads = new PayloadWriter(writer);
    for (let pass = 0; pass < PASSES; pass += 1) {
      writer.push(RECORD_NAME | PAYLOAD_BYTES, 0, 0, 0, 0, encodeName(REHEARSAL));
      for (let task = 0; task < TASKS; task += 1) {
        payloads.push(RECORD_NOW, 0, task, 0, task);
      }
      producer.setPolling(false);
      producer.flush();
      producer.beginPass();
      producer.readQuantum(producer.readable(producer.quota));
      producer.flush();
      producer.consumeAnswered();
      producer.setPolling(true);
    }
  } catch {
    // The stack has no room for it. The first task compiles what it needs.
  }
}
