import { memory, tcp, tls, type Transport, unix } from "../mod.ts";
import { delay } from "@std/async";
import { type Part, parts } from "./parts.ts";
import { type Raw, rawOf } from "./raw.ts";

/**
 * The far end cannot turn Nagle's algorithm off over TLS. What it sends first
 * may wait until the tickets before it are acknowledged, which takes 40 ms: no
 * side's time begins before that.
 */
const SETTLE_MS = 50;

/** The ways for the two ends to meet, by name. */
export const WIRES = ["unix", "tcp", "tls", "memory"] as const;

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

/** Where the far end listens, and who has signed its certificate. */
export interface FarEnd {
  readonly addresses: Record<string, Partial<Record<Part, string>>>;
  readonly ca: string;
}

/** The ways over sockets, to a far end in a process of its own. */
export class SocketWire implements Wire {
  readonly name: string;
  readonly #far: FarEnd;

  constructor(name: string, far: FarEnd) {
    this.name = name;
    this.#far = far;
  }

  transport(part: Part): Transport {
    const { path = "", hostname, port, ca } = this.#address(part);
    if (this.name === "unix") return unix({ path });
    if (this.name === "tcp") return tcp({ hostname, port });
    return settled(tls({ hostname, port, caCerts: [ca] }));
  }

  async conn(part: Part): Promise<Deno.Conn> {
    const { path = "", hostname, port, ca } = this.#address(part);
    if (this.name === "unix") {
      return await Deno.connect({ transport: "unix", path });
    }
    const conn = await Deno.connect({ hostname, port });
    conn.setNoDelay();
    if (this.name === "tcp") return conn;
    const secure = await Deno.startTls(conn, { hostname, caCerts: [ca] });
    await secure.handshake();
    await delay(SETTLE_MS);
    return secure;
  }

  raw(part: Part): Promise<Raw> {
    return this.conn(part);
  }

  node(part: Part): NodeOptions {
    const { path, hostname: host, port, ca } = this.#address(part);
    if (this.name === "unix") return { path };
    return this.name === "tcp" ? { host, port } : { host, port, ca };
  }

  #address(
    part: Part,
  ): { path?: string; hostname: string; port: number; ca: string } {
    const address = this.#far.addresses[this.name]?.[part] ?? "";
    const { pathname, hostname, port } = new URL(address);
    return { path: pathname, hostname, port: Number(port), ca: this.#far.ca };
  }
}

function settled(transport: Transport): Transport {
  return {
    listen: transport.listen,
    toString: transport.toString,
    async connect(options) {
      const connection = await transport.connect(options);
      await delay(SETTLE_MS);
      return connection;
    },
  };
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
        const far = rawOf(await listener.accept());
        parts[part](far).catch(() => {}).finally(() => far.close());
        return near;
      },
    };
  }

  async raw(part: Part): Promise<Raw> {
    return rawOf(await this.transport(part).connect());
  }
}
