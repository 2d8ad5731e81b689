/**
 * The compiled modules that the tests in internals/ use. This is the only file that names one of them, so a module that
 * moves or is renamed is adapted here: once for its types, once for its code.
 */

import type * as facade from '../../index';
import type * as alarmLead from '../../src/platform/alarm-lead';
import type * as binaryHeap from '../../src/util/binary-heap';
import type * as clock from '../../src/platform/clock';
import type * as elf from '../../src/platform/elf';
import type * as lateHistogram from '../../src/platform/late-histogram';
import type * as loadBinding from '../../src/platform/load-binding';
import type * as platformBinding from '../../src/platform/binding';
import type * as idAllocator from '../../src/client/id-allocator';
import type * as seats from '../../src/protocol/seats';
import type * as recordReader from '../../src/transport/record-reader';
import type * as insertionBuffer from '../../src/task-queue/insertion-buffer';
import type * as payload from '../../src/transport/payload';
import type * as valueFormat from '../../src/transport/value-format';
import type * as valueReader from '../../src/transport/value-reader';
import type * as valueWriter from '../../src/transport/value-writer';
import type * as ringLayout from '../../src/transport/ring-layout';
import type * as ringReader from '../../src/transport/ring-reader';
import type * as ringWriter from '../../src/transport/ring-writer';
import type * as taskTable from '../../src/task-queue/task-table';
import type * as taskQueue from '../../src/task-queue/task-queue';

/** The facade that these modules belong to; the one of `require('waitable-event')` is another copy. */
export const { OneShotTask } = require('../../dist/index.js') as typeof facade;
export type Task = facade.Task;

export const { AlarmLead } = require('../../dist/src/platform/alarm-lead.js') as typeof alarmLead;
export type AlarmLead = alarmLead.AlarmLead;
export const { LateHistogram } = require('../../dist/src/platform/late-histogram.js') as typeof lateHistogram;
export const { monotonicNow } = require('../../dist/src/platform/clock.js') as typeof clock;

export const { BinaryHeap } = require('../../dist/src/util/binary-heap.js') as typeof binaryHeap;
export type BinaryHeap<T extends binaryHeap.BinaryHeapMember> = binaryHeap.BinaryHeap<T>;

export const { isMusl, isTruncated } = require('../../dist/src/platform/elf.js') as typeof elf;
export const { PLATFORMS, platformName } = require('../../dist/src/platform/load-binding.js') as typeof loadBinding;

export const binding = require('../../dist/src/platform/binding.js') as typeof platformBinding;

export const { IdAllocator } = require('../../dist/src/client/id-allocator.js') as typeof idAllocator;

export const { freeSeat, isAbandoned, makeSeats, readSeat, takeSeat } =
  require('../../dist/src/protocol/seats.js') as typeof seats;

export const { RecordReader } = require('../../dist/src/transport/record-reader.js') as typeof recordReader;

export const { InsertionBuffer } = require('../../dist/src/task-queue/insertion-buffer.js') as typeof insertionBuffer;

export const {
  PAYLOAD_BYTES,
  PAYLOAD_CLONE,
  PAYLOAD_CONSTANT,
  PAYLOAD_NONE,
  PAYLOAD_NUMBER,
  PAYLOAD_PLAIN,
  PAYLOAD_CLAIM,
  PayloadWriter,
  encodePayload,
} = require('../../dist/src/transport/payload.js') as typeof payload;
export type EncodedPayload = payload.EncodedPayload;

export const { ValueReader } = require('../../dist/src/transport/value-reader.js') as typeof valueReader;
export type ValueReader = valueReader.ValueReader;

export const { ValueWriter } = require('../../dist/src/transport/value-writer.js') as typeof valueWriter;
export type ValueWriter = valueWriter.ValueWriter;
export type ValueMemory = valueFormat.WritableValueMemory;

export const { makeRingMemory } = require('../../dist/src/transport/ring-layout.js') as typeof ringLayout;
export type RingMemory = ringLayout.RingMemory;

export const { RingReader } = require('../../dist/src/transport/ring-reader.js') as typeof ringReader;
export type RingReader = ringReader.RingReader;

export const { RingWriter } = require('../../dist/src/transport/ring-writer.js') as typeof ringWriter;
export type RingWriter = ringWriter.RingWriter;

export const { TaskTable } = require('../../dist/src/task-queue/task-table.js') as typeof taskTable;

export const { TaskQueue } = require('../../dist/src/task-queue/task-queue.js') as typeof taskQueue;
export type TaskQueue = taskQueue.TaskQueue;
