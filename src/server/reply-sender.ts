/** The manager's side of the replies to one producer: sends what there is room for, and keeps the rest until there is some. */

import { serializeError } from '../transport/serialize-error';
import { type EncodedPayload, PAYLOAD_BYTES, PAYLOAD_NONE, PayloadWriter, encodePayload } from '../transport/payload';
import { SideChannel } from '../transport/side-channel';
import { type RingMemory, RingWriter } from '../transport/ring-layout';
import { REPLY_ERROR, REPLY_PIECE, REPLY_RESULT } from '../protocol/handle';

/** A reply that waits for room. */
interface Reply {
  readonly kind: number;
  readonly id: number;
  readonly value: number;
  data: Uint8Array | undefined;
}

/** The replies to one producer. */
export class ReplySender {
  /** Whether there was something for a producer that looks for it. */
  hasAnsweredPoller: boolean = false;
  readonly #ring: RingWriter;
  readonly #writer: PayloadWriter;
  readonly #channel: string;
  readonly #onSent: () => void;
  readonly #waiting: Reply[] = [];
  readonly #encoded: EncodedPayload = { kind: PAYLOAD_NONE, value: 0, data: undefined };
  #claims = 0;

  /** `onSent` is called when there is something to read, unless the producer looks for it anyway. */
  constructor(memory: RingMemory, channel: string, onSent: () => void) {
    this.#ring = new RingWriter(memory);
    this.#writer = new PayloadWriter(this.#ring);
    this.#channel = channel;
    this.#onSent = onSent;
  }

  /** Whether there are replies for which there was no room. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Sends the result of the call `id`. */
  send(id: number, result: unknown): void {
    try {
      this.#send(REPLY_RESULT, id, result);
    } catch (error) {
      // The result cannot be cloned; that is the caller's to know.
      this.sendError(id, error);
    }
  }

  /** Sends what the task of the call `id` threw. */
  sendError(id: number, error: unknown): void {
    this.#send(REPLY_ERROR, id, serializeError(error));
  }

  /** Sends what waits for room. */
  flush(): void {
    this.#sendWaiting();
    if (this.hasWaiting) {
      // First say that we wait, then look again: the producer makes room first and looks for us afterwards.
      this.#ring.setWaiting(true);
      this.#sendWaiting();
    }
    if (!this.hasWaiting) {
      this.#ring.setWaiting(false);
    }
  }

  #send(kind: number, id: number, payload: unknown): void {
    // In their order: a producer that has not read the first does not know the shapes of the second.
    if (!this.hasWaiting && this.#writer.push(kind, 0, payload, 0, id)) {
      this.#announce();
      return;
    }
    const encoded = this.#encoded;
    encodePayload(payload, encoded, (unwritable) => this.#sendByChannel(unwritable));
    let rest = encoded.data;
    while (rest !== undefined && rest.length > this.#ring.largest) {
      this.#waiting.push({ kind: REPLY_PIECE, id, value: 0, data: rest.subarray(0, this.#ring.largest) });
      rest = rest.subarray(this.#ring.largest);
    }
    this.#waiting.push({ kind: kind | encoded.kind, id, value: encoded.value, data: rest });
    this.flush();
    if (encoded.kind === PAYLOAD_BYTES) {
      // What has to wait is sent as it is now, whatever the handler does with its buffer.
      const waiting = this.#waiting;
      for (let last = waiting.length - 1; last >= 0 && waiting[last]?.id === id; last -= 1) {
        const reply = waiting[last] as Reply;
        reply.data = reply.data === undefined ? undefined : new Uint8Array(reply.data);
      }
    }
  }

  #sendWaiting(): void {
    const sent = this.#waiting.findIndex(({ kind, id, value, data }) => !this.#ring.push(kind, 0, value, 0, id, data));
    const count = sent < 0 ? this.#waiting.length : sent;
    if (count > 0) {
      this.#waiting.splice(0, count);
      this.#announce();
    }
  }

  #announce(): void {
    if (this.#ring.isPolled) {
      this.hasAnsweredPoller = true;
    } else {
      this.#onSent();
    }
  }

  #sendByChannel(payload: unknown): number {
    this.#claims += 1;
    SideChannel.send(this.#channel, { from: this.#channel, claim: this.#claims, payload });
    return this.#claims;
  }
}
