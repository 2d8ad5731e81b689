/** The non-blocking mode that a FileDispatcher sets: close() restores the mode that was there before. */

import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';

import { describe, expect, test } from '@jest/globals';
import { FileDispatcher } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { collect } from '../support/collect';
import { flagsOf, makeFifo, temporaryPath } from '../support/files';
import { codeOf } from '../support/outcomes';
import { takeLowerNumbers } from '../support/pipe';
import { until } from '../support/threads';
import { WorkerHarness } from '../support/worker-harness';

function open(flags: number = constants.O_RDONLY): number {
  const path = temporaryPath('file');
  writeFileSync(path, 'spam');
  const fd = openSync(path, flags);
  finallyDo(() => closeSync(fd));
  return fd;
}

describe('the mode of an open file', () => {
  test('is restored by close()', () => {
    const fd = open();
    const channel = new FileDispatcher(fd, null);
    expect(flagsOf(fd).nonBlocking).toBe(true);
    channel.close();
    expect(flagsOf(fd).nonBlocking).toBe(false);
  });

  test('is restored at the end of a using block, and when the constructor throws', () => {
    const fd = open();
    new FileDispatcher(fd, null)[Symbol.dispose]();
    expect(flagsOf(fd).nonBlocking).toBe(false);
    expect(codeOf(() => new FileDispatcher(fd, { loop: {} as never }))).toBe('ERR_INVALID_ARG_TYPE');
    expect(flagsOf(fd).nonBlocking).toBe(false);
  });

  test.each([
    [0, 1],
    [1, 0],
  ])('is restored when the last of two channels closes, in the order %i, %i', (first, second) => {
    const fd = open();
    const channels = [new FileDispatcher(fd, null), new FileDispatcher(fd, null)];
    channels[first]?.close();
    expect(flagsOf(fd).nonBlocking).toBe(true);
    channels[second]?.close();
    expect(flagsOf(fd).nonBlocking).toBe(false);
  });

  test('is restored although a channel on another open file of the same file stays', () => {
    const [fd, other] = [open(), open()];
    const channel = new FileDispatcher(fd, null);
    const stays = new FileDispatcher(other, null);
    channel.close();
    expect(flagsOf(fd).nonBlocking).toBe(false);
    expect(flagsOf(other).nonBlocking).toBe(true);
    stays.close();
  });

  test('stays when it was there before the channel', () => {
    const fd = open(constants.O_RDONLY | constants.O_NONBLOCK);
    new FileDispatcher(fd, null).close();
    expect(flagsOf(fd).nonBlocking).toBe(true);
  });

  test('of a FIFO does not change for the others', () => {
    const fd = openSync(makeFifo(), constants.O_RDWR);
    finallyDo(() => closeSync(fd));
    const channel = new FileDispatcher(fd, null);
    expect(flagsOf(channel.fileno()).nonBlocking).toBe(true);
    expect(flagsOf(fd).nonBlocking).toBe(false);
    expect(channel.send('spam')).toBe(4);
    expect(channel.recv(9).toString()).toBe('spam');
    channel.close();
    expect(flagsOf(fd).nonBlocking).toBe(false);
  });
});

describe('the duplicate', () => {
  test('is closed when the dispatcher is garbage and in no loop, and then the mode is restored', async () => {
    const fd = open();
    // oxlint-disable-next-line no-new -- it is to be dropped
    new FileDispatcher(fd, null);
    expect(flagsOf(fd).nonBlocking).toBe(true);
    await until(() => {
      collect();
      return !flagsOf(fd).nonBlocking;
    }, 'the dispatcher to be collected');
  });

  test('is closed when its worker is terminated, and then the mode is restored', async () => {
    const fd = open();
    const worker = new WorkerHarness('run-loop/keep-file-dispatcher.js', { fd });
    await worker.reached(1);
    expect(flagsOf(fd).nonBlocking).toBe(true);
    await worker.terminate();
    expect(flagsOf(fd).nonBlocking).toBe(false);
  });

  test('is left alone when foreign code has closed it and another file has its number', () => {
    const channel = new FileDispatcher(open(), null);
    const number = channel.fileno();
    takeLowerNumbers(number);
    closeSync(number);
    const others = Array.from({ length: 20 }, () => openSync(devNull, 'r'));
    expect(others).toContain(number);
    channel.close();
    expect(others.map((fd) => codeOf(() => closeSync(fd)))).toEqual(others.map(() => undefined));
  });
});
