'use strict';
/** What all threads look at, in shared memory: which files there are, which one is next, and how far they have got. */

/** The files to hash. Taking the next one is one atomic addition: no messages, and nobody is ever idle before the end. */
class FileList {
  #paths;
  #ends;
  #handedOut;
  #bytesRead;

  /** The list that another thread made with `from()`. */
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

  /** The index of a file that nobody else has got or will get; `length` or more when there is none left. */
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
