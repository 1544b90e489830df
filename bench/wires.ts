import { memory, tcp, tls, type Transport, unix } from "../mod.ts";
import { delay } from "@std/async";
import { type Part, parts } from "./parts.ts";
import { type Raw, rawOf } from "./raw.ts";

/**
 * The far end cannot turn Nagle's algorithm off over TLS. Its first bytes may wait
 * until the session tickets before them are acknowledged, which takes 40 ms: no
 * side's time begins before that.
 */
const SETTLE_MS = 50;

/** The names of the wires. */
export const WIRES = ["unix", "tcp", "tls", "memory"] as const;

/** One kind of connection between the two ends. */
export interface Wire {
  readonly name: string;
  /** The transport by which Parley connects to a part of the far end. */
  transport(part: Part): Transport;
  /** Connects a hand-written loop. */
  raw(part: Part): Promise<Raw>;
  /** Connects sides that need a `Deno.Conn`; memory has none. */
  conn?(part: Part): Promise<Deno.Conn>;
  /** The options of Node's `net.connect()`, for sides that run on Node. */
  node?(part: Part): NodeOptions;
}

export interface NodeOptions {
  path?: string;
  host?: string;
  port?: number;
  ca?: string;
}

/** The addresses of the far end, and the authority of its certificate. */
export interface FarEnd {
  readonly addresses: Record<string, Partial<Record<Part, string>>>;
  readonly ca: string;
}

/** A wire over sockets, to a far end in a process of its own. */
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

/** A wire within this process: the far end takes turns with the near end. */
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
