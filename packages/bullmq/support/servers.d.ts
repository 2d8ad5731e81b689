/** A server on a free port of the loopback interface. It ends with this process. */
declare class Server {
  readonly folder: string;
  readonly port: number;
  readonly pid: number;
  readonly url: string;
  start(): Promise<this>;
  kill(): Promise<void>;
  stop(): Promise<void>;
  log(): string;
}

export declare class RedisServer extends Server {
  constructor(command: string[], settings?: Record<string, string | number>, dataFolder?: string);
}

export declare class PostgresServer extends Server {
  constructor(binaries: string, settings?: Record<string, string | number>);
}

export declare function freePort(): Promise<number>;
