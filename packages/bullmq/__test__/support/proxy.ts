import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** A TCP connection that can fail: between a member and its server. */
export class Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<[client: Socket, upstream: Socket]>();
  #swallows = false;
  #trap: string | undefined;
  /** How many answers were dropped. */
  dropped = 0;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const upstream = connect(target, '127.0.0.1');
      const pair: [Socket, Socket] = [client, upstream];
      this.#pairs.add(pair);
      let isTrapped = false;
      client.on('data', (data) => {
        if (this.#trap !== undefined && data.includes(this.#trap)) {
          this.#trap = undefined;
          isTrapped = true;
        }
        if (!this.#swallows) upstream.write(data);
      });
      upstream.on('data', (data) => {
        if (isTrapped) {
          this.dropped += 1;
          client.destroy();
        } else if (!this.#swallows) client.write(data);
      });
      for (const socket of pair) {
        socket.setNoDelay(true);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          client.destroy();
          upstream.destroy();
          this.#pairs.delete(pair);
        });
      }
    });
  }

  static async start(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Returns the URL of the server, by way of this proxy. */
  urlOf(url: string): string {
    return url.replace(/:\d+($|\/)/, `:${this.port}$1`);
  }

  /** Resets all connections. */
  reset(): void {
    for (const [client, upstream] of this.#pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** Lets all bytes vanish, in both directions; the connections stay. */
  swallow(swallows: boolean): void {
    this.#swallows = swallows;
  }

  /** Drops the answer to the next command that has this text, and closes its connection. */
  dropAnswerTo(text: string): void {
    this.#trap = text;
  }

  close(): void {
    this.#server.close();
    for (const [client] of this.#pairs) client.destroy();
  }
}
