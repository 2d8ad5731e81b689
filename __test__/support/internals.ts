/**
 * The compiled modules that the tests in internals/ use. This is the only file that names one of them, so a module that
 * moves or is renamed is adapted here: once for its types, once for its code.
 */

import type * as facade from '../../index';
import type * as heap from '../../src/heap';
import type * as ids from '../../src/ids';
import type * as mail from '../../src/mail';
import type * as newSlots from '../../src/new-slots';
import type * as payload from '../../src/payload';
import type * as plainFormat from '../../src/plain-format';
import type * as plainReader from '../../src/plain-reader';
import type * as plainWriter from '../../src/plain-writer';
import type * as ring from '../../src/ring';
import type * as slots from '../../src/slots';
import type * as taskQueue from '../../src/task-queue';

/** The facade that these modules belong to; the one of `require('waitable-event')` is another copy. */
export const { OneShotTask } = require('../../dist/index.js') as typeof facade;
export type Task = facade.Task;

export const { Heap } = require('../../dist/src/heap.js') as typeof heap;
export type Heap<T extends heap.HeapMember> = heap.Heap<T>;

export const { Ids } = require('../../dist/src/ids.js') as typeof ids;

export const { Mail } = require('../../dist/src/mail.js') as typeof mail;

export const { NewSlots } = require('../../dist/src/new-slots.js') as typeof newSlots;

export const {
  PAYLOAD_BYTES,
  PAYLOAD_CLONE,
  PAYLOAD_CONSTANT,
  PAYLOAD_NONE,
  PAYLOAD_NUMBER,
  PAYLOAD_PLAIN,
  PAYLOAD_TICKET,
  PayloadWriter,
  encodePayload,
} = require('../../dist/src/payload.js') as typeof payload;
export type EncodedPayload = payload.EncodedPayload;

export const { PlainReader } = require('../../dist/src/plain-reader.js') as typeof plainReader;
export type PlainReader = plainReader.PlainReader;

export const { PlainWriter } = require('../../dist/src/plain-writer.js') as typeof plainWriter;
export type PlainWriter = plainWriter.PlainWriter;
export type PlainMemory = plainFormat.WritablePlainMemory;

export const { RingConsumer, RingProducer, makeRingMemory } = require('../../dist/src/ring.js') as typeof ring;
export type RingConsumer = ring.RingConsumer;
export type RingMemory = ring.RingMemory;
export type RingProducer = ring.RingProducer;

export const { Slots } = require('../../dist/src/slots.js') as typeof slots;

export const { TaskQueue } = require('../../dist/src/task-queue.js') as typeof taskQueue;
export type TaskQueue = taskQueue.TaskQueue;
