import type { Socket } from "node:net";
import type { NetEnd, TcpSocket } from "../_system/system.ts";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";

/** A socket of `node:net` with the raw operations of a socket. */
export class NetSocket implements TcpSocket {
  readonly localAddr: NetEnd;
  readonly remoteAddr: NetEnd;
  readonly #socket: Socket;
  readonly #reader: ByteReader;
  readonly #writer: ByteWriter;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = new ByteReader(socket);
    this.#writer = new ByteWriter(socket);
    this.localAddr = endOf(socket.localAddress, socket.localPort);
    this.remoteAddr = endOf(socket.remoteAddress, socket.remotePort);
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#reader.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#writer.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#writer.closeWrite();
  }

  close(): void {
    this.#socket.destroy();
  }

  setNoDelay(noDelay: boolean): void {
    this.#socket.setNoDelay(noDelay);
  }

  setKeepAlive(keepAlive: boolean): void {
    this.#socket.setKeepAlive(keepAlive);
  }
}

/** A Unix socket has neither. */
function endOf(hostname = "", port = 0): NetEnd {
  return { hostname, port };
}
