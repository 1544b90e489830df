import { createServer, type ListenOptions, type Server } from "node:net";
import type { NetEnd, TcpListener } from "../_system/system.ts";
import { systemErrors } from "../_util/system_errors.ts";
import { NetSocket } from "./net_socket.ts";
import { systemError } from "./system_error.ts";

/**
 * How many connections may wait for `accept()`. Node takes them as they come, so
 * one more is closed: the queue of the system never fills.
 */
const MAX_WAITING = 512;

/** A server of `node:net` whose connections wait to be accepted. */
export class NetListener implements TcpListener {
  readonly addr: NetEnd;
  readonly #server: Server;
  /** Those that wait, in the order of arrival. */
  readonly #arrived = new Set<NetSocket>();
  #failure: Error | undefined;
  #closed = false;
  #wake = () => {};

  /** @param server Listens already. */
  constructor(server: Server) {
    this.#server = server;
    const at = server.address();
    this.addr = typeof at === "object" && at
      ? { hostname: at.address, port: at.port }
      : { hostname: "", port: 0 };
    server.on("connection", (socket) => {
      const arrived = new NetSocket(socket);
      if (this.#arrived.size >= MAX_WAITING) return arrived.close();
      this.#arrived.add(arrived);
      // Its peer has reset it.
      socket.once("close", () => this.#arrived.delete(arrived));
      this.#wake();
    });
    server.on("error", (error) => {
      this.#failure = systemError(error);
      this.#wake();
    });
  }

  /** @throws The system's error, if it cannot listen. */
  static listen(options: ListenOptions): Promise<NetListener> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(systemError(error));
      server.once("error", fail);
      server.listen(options, () => {
        server.off("error", fail);
        resolve(new NetListener(server));
      });
    });
  }

  async accept(): Promise<NetSocket> {
    for (;;) {
      if (this.#closed) throw new systemErrors.BadResource("closed");
      const [socket] = this.#arrived;
      if (socket) {
        this.#arrived.delete(socket);
        return socket;
      }
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure) throw failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#closed = true;
    this.#server.close();
    for (const socket of this.#arrived) socket.close();
    this.#wake();
  }
}
