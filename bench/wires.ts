import { memory, parseTransport, type Transport } from "../mod.ts";
import { type Part, parts } from "./parts.ts";
import { type Raw, rawStreams } from "./raw.ts";

/** One way for the two ends to meet. */
export interface Wire {
  readonly name: string;
  /** Parley's way to a part of the far end. */
  transport(part: Part): Transport;
  /** A hand-written loop's way. */
  raw(part: Part): Promise<Raw>;
  /** The way of what wants Deno's own connection; there is none in memory. */
  conn?(part: Part): Promise<Deno.Conn>;
  /** The way of what wants Node's options of `net.connect()`. */
  node?(part: Part): NodeOptions;
}

export interface NodeOptions {
  path?: string;
  host?: string;
  port?: number;
  ca?: string;
}

/** Where the far end listens, part by part. */
export type Addresses = Record<string, Record<Part, string>>;

/** The ways over sockets, to a far end in a process of its own. */
export class SocketWire implements Wire {
  readonly name: string;
  readonly #addresses: Record<Part, string>;

  constructor(name: string, addresses: Record<Part, string>) {
    this.name = name;
    this.#addresses = addresses;
  }

  transport(part: Part): Transport {
    return parseTransport(this.#addresses[part]);
  }

  async conn(part: Part): Promise<Deno.Conn> {
    const { path, host, port = 0 } = this.node(part);
    if (path) return await Deno.connect({ transport: "unix", path });
    const conn = await Deno.connect({ hostname: host, port });
    conn.setNoDelay();
    return conn;
  }

  raw(part: Part): Promise<Raw> {
    return this.conn(part);
  }

  node(part: Part): NodeOptions {
    const address = this.#addresses[part];
    if (address.startsWith("unix:")) return { path: address.slice(5) };
    const { hostname, port } = new URL(address);
    return { host: hostname, port: Number(port) };
  }
}

/** The way within this process: the far end takes turns with the near one. */
export class MemoryWire implements Wire {
  readonly name = "memory";

  transport(part: Part): Transport {
    const transport = memory({ name: part });
    return {
      listen: transport.listen,
      toString: transport.toString,
      async connect() {
        await using listener = await transport.listen();
        const near = await transport.connect();
        const far = rawStreams(await listener.accept());
        parts[part](far).catch(() => {}).finally(() => far.close());
        return near;
      },
    };
  }

  async raw(part: Part): Promise<Raw> {
    return rawStreams(await this.transport(part).connect());
  }
}
