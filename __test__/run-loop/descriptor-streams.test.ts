/** toReadable() and toWritable(), and `own` of FileDispatcher. */

import * as fs from 'node:fs';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';

import { describe, expect, test } from '@jest/globals';
import { FileDispatcher, RunLoop, toReadable, toWritable } from 'waitable-event';

import { temporaryPath } from '../support/files';
import { codeOf } from '../support/outcomes';
import { Pipe, closeSync, isOpen, readSync, writeSync } from '../support/pipe';
import { startLoop } from '../support/run-loop/loops';
import { until } from '../support/threads';
import { within } from '../support/timing';

const MEGABYTE = 1 << 20;

/** Opens both ends of a pipe: of a FIFO, whose reads and writes are non-blocking. */
function openPipe(): [reader: number, writer: number] {
  const { reader, writer } = new Pipe();
  return [reader, writer];
}

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

describe('toReadable()', () => {
  test('delivers what is written, to the last byte, and ends', async () => {
    const loop = startLoop();
    const [reader, writer] = openPipe();
    const stream = toReadable(reader, { loop, encoding: 'utf8' });
    const texts: unknown[] = [];
    stream.on('data', (text) => texts.push(text));
    writeSync(writer, 'ä one');
    await until(() => texts.length === 1, 'the first chunk');
    writeSync(writer, 'two');
    closeSync(writer);
    await within(finished(stream), 'the end');
    expect(texts).toEqual(['ä one', 'two']);
    // The duplicate is closed, and the caller's descriptor is not.
    expect(isOpen(reader)).toBe(true);
  });

  test('holds up the writer while it is not read', async () => {
    const loop = startLoop();
    const [reader, writer] = openPipe();
    const stream = toReadable(reader, { loop, highWaterMark: 1000, own: true });
    let written = 0;
    const fill = (): void => {
      for (;;) {
        try {
          written += writeSync(writer, Buffer.alloc(4096, written % 251));
        } catch {
          return;
        }
      }
    };
    stream.once('readable', () => {});
    await until(() => {
      fill();
      return stream.readableLength >= 1000;
    }, 'a full buffer');
    fill();
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    // No more was read than the stream wants.
    expect(stream.readableLength).toBeLessThanOrEqual(2000);
    const all = collect(stream);
    closeSync(writer);
    expect(await within(all, 'the rest')).toHaveLength(written);
  });

  test('reads a regular file, through an object that has its descriptor', async () => {
    const path = temporaryPath('large');
    const bytes = Buffer.from(Array.from({ length: MEGABYTE }, (_, index) => index % 251));
    fs.writeFileSync(path, bytes);
    const handle = await fs.promises.open(path);
    const loop = startLoop();
    expect((await within(collect(toReadable(handle, { loop })), 'the file')).equals(bytes)).toBe(true);
    await handle.close();
  });

  test('is destroyed by a signal, and closes its descriptor', async () => {
    const loop = startLoop();
    const [reader, writer] = openPipe();
    const controller = new AbortController();
    const stream = toReadable(reader, { loop, own: true, signal: controller.signal });
    const end = finished(stream.resume());
    controller.abort();
    await expect(within(end, 'the end')).rejects.toMatchObject({ name: 'AbortError' });
    // The reader is closed, with poll() when the thread that polls it has woken.
    await until(() => codeOf(() => writeSync(writer, 'x')) === 'EPIPE', 'a reader that is closed');
  });

  test('becomes a ReadableStream', async () => {
    const loop = startLoop();
    const [reader, writer] = openPipe();
    const web = Readable.toWeb(toReadable(reader, { loop, own: true }));
    writeSync(writer, 'web');
    closeSync(writer);
    let text = '';
    for await (const chunk of web) {
      text += Buffer.from(chunk as Uint8Array).toString();
    }
    expect(text).toBe('web');
  });
});

describe('toWritable()', () => {
  test('writes what does not fit when there is room', async () => {
    const loop = startLoop();
    const [reader, writer] = openPipe();
    const bytes = Buffer.from(Array.from({ length: MEGABYTE }, (_, index) => index % 253));
    const to = toWritable(writer, { loop, own: true });
    const read = collect(toReadable(reader, { loop, own: true }));
    await within(pipeline(Readable.from([bytes, Buffer.alloc(0), bytes]), to), 'all writes');
    expect((await within(read, 'all reads')).equals(Buffer.concat([bytes, bytes]))).toBe(true);
  });

  test('tells when it has enough, joins small writes, and drains', async () => {
    const loop = startLoop();
    const [reader, writer] = openPipe();
    const stream = toWritable(writer, { loop, own: true, highWaterMark: 10, defaultEncoding: 'latin1' });
    let accepted = 0;
    while (stream.write('\u00e9'.repeat(7))) {
      accepted += 1;
    }
    expect(accepted).toBeGreaterThan(1000);
    stream.end('last');
    const text = await within(collect(toReadable(reader, { loop, own: true })), 'all reads');
    expect(text.toString('latin1')).toBe(`${'\u00e9'.repeat(7 * (accepted + 1))}last`);
    await within(finished(stream), 'the end');
  });

  test('is destroyed with EPIPE when the reader goes away while something waits', async () => {
    const loop = startLoop();
    const [reader, writer] = openPipe();
    const stream = toWritable(writer, { loop, own: true });
    const end = finished(stream);
    stream.write(Buffer.alloc(MEGABYTE));
    closeSync(reader);
    await expect(within(end, 'the end')).rejects.toMatchObject({ code: 'EPIPE' });
  });

  test('is destroyed with EPIPE by the first write after the reader has gone', async () => {
    const loop = startLoop();
    const [reader, writer] = openPipe();
    const stream = toWritable(writer, { loop, own: true });
    const end = finished(stream);
    closeSync(reader);
    stream.write('x');
    await expect(within(end, 'the end')).rejects.toMatchObject({ code: 'EPIPE' });
  });
});

describe('options', () => {
  test('that do not exist, or are invalid, are refused, and nothing is taken', () => {
    const [reader] = openPipe();
    const codes = [
      () => toReadable(reader, { higWaterMark: 1 } as never),
      () => toWritable(reader, { encoding: 'utf8' } as never),
      () => toReadable(reader, { own: 1 } as never),
      () => toReadable({ fd: reader }, { own: true }),
      () => toReadable({ fd: -1 }),
      () => toReadable(reader, { loop: {} as never, own: true }),
      () => toReadable('/tmp/x' as never),
      () => new FileDispatcher(reader, { lop: null } as never),
    ].map((call) => codeOf(call));
    expect(codes).toEqual([
      'ERR_INVALID_ARG_VALUE',
      'ERR_INVALID_ARG_VALUE',
      'ERR_INVALID_ARG_TYPE',
      'ERR_INVALID_ARG_VALUE',
      'ERR_INVALID_ARG_VALUE',
      'ERR_INVALID_ARG_TYPE',
      'ERR_INVALID_ARG_TYPE',
      'ERR_INVALID_ARG_VALUE',
    ]);
    expect(isOpen(reader)).toBe(true);
  });
});

describe('own: true of a FileDispatcher', () => {
  test('closes the number of the caller, and the file when the channel closes', () => {
    const [reader, writer] = openPipe();
    const channel = new FileDispatcher(writer, { own: true, loop: new RunLoop() });
    expect(isOpen(writer)).toBe(false);
    expect(channel.send('x')).toBe(1);
    channel.close();
    const buffer = Buffer.alloc(2);
    expect([readSync(reader, buffer), readSync(reader, buffer)]).toEqual([1, 0]);
  });

  test('leaves the descriptor with the caller when the constructor throws', () => {
    expect(codeOf(() => new FileDispatcher(987_654, { own: true }))).toBe('EBADF');
    const [reader] = openPipe();
    const closed = new RunLoop();
    closed.close();
    expect(codeOf(() => new FileDispatcher(reader, { own: true, loop: closed }))).toBe('ERR_LOOP_CLOSED');
    expect(isOpen(reader)).toBe(true);
  });

  test('is false by default, also with options', () => {
    const [reader, writer] = openPipe();
    new FileDispatcher(writer, { loop: null }).close();
    expect(writeSync(writer, 'x')).toBe(1);
    expect(new FileDispatcher({ fd: reader }, null).recv(5).toString()).toBe('x');
  });
});
