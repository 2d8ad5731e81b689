'use strict';
/** Shared memory of all threads: the list of files, the next one to hash, and the bytes read so far. */

/**
 * The files to hash. To take the next one is one atomic addition, without messages. So no worker is idle before the
 * end.
 */
class FileList {
  #paths;
  #ends;
  #handedOut;
  #bytesRead;

  /** Opens the list that another thread made with `from()`. */
  constructor(memory) {
    this.memory = memory;
    this.#paths = Buffer.from(memory.paths);
    this.#ends = new Float64Array(memory.ends);
    this.#handedOut = new Int32Array(memory.handedOut);
    this.#bytesRead = new BigInt64Array(memory.bytesRead);
  }

  static from(paths) {
    const size = paths.reduce((sum, path) => sum + path.length, 0);
    const list = new FileList({
      paths: new SharedArrayBuffer(size),
      ends: new SharedArrayBuffer(paths.length * Float64Array.BYTES_PER_ELEMENT),
      handedOut: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
      bytesRead: new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT),
    });
    let end = 0;
    for (const [index, path] of paths.entries()) {
      list.#paths.set(path, end);
      end += path.length;
      list.#ends[index] = end;
    }
    return list;
  }

  get length() {
    return this.#ends.length;
  }

  pathAt(index) {
    return this.#paths.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  /**
   * Returns the index of a file that no other thread has taken or will take. It is `length` or more if none is left.
   */
  takeNext() {
    return Atomics.add(this.#handedOut, 0, 1);
  }

  addBytesRead(count) {
    Atomics.add(this.#bytesRead, 0, BigInt(count));
  }

  get bytesRead() {
    return Number(Atomics.load(this.#bytesRead, 0));
  }
}

module.exports = { FileList };
