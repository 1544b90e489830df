import type { Accepts } from "../_socket/accept_queue.ts";
import type { RawSocket } from "../_socket/raw_socket.ts";
import type { Files } from "./files.ts";
import type { ChildProcess, SpawnOptions } from "./child_process.ts";

/** An end of a TCP connection. */
export interface NetEnd {
  readonly hostname: string;
  readonly port: number;
}

/** A raw TCP connection. */
export interface TcpSocket extends RawSocket {
  readonly localAddr: NetEnd;
  readonly remoteAddr: NetEnd;
  setNoDelay(noDelay: boolean): void;
  setKeepAlive(keepAlive: boolean): void;
}

/** A bound address that raw TCP connections arrive at. */
export interface TcpListener extends Accepts<TcpSocket> {
  readonly addr: NetEnd;
}

/** Where to listen. */
export interface ListenTcpOptions extends NetEnd {
  readonly reusePort?: boolean;
}

/** What Deno may be asked to do; other runtimes allow everything. */
export type Permission =
  | { readonly name: "read" | "write" }
  | { readonly name: "run"; readonly command: string };

/**
 * What transports need of a runtime: `Deno`, or the modules of Node. Errors are
 * those of `systemErrors`.
 */
export interface System {
  readonly files: Files;
  /** Connects; an aborted attempt leaves nothing open. */
  connectTcp(to: NetEnd, signal: AbortSignal | undefined): Promise<TcpSocket>;
  /** Listens at the first address of a name. */
  listenTcp(at: ListenTcpOptions): Promise<TcpListener>;
  /** @param path The path of a file, or NUL and an abstract name. */
  connectUnix(path: string): Promise<RawSocket>;
  /** Closing the listener removes the file at the path. */
  listenUnix(path: string): Promise<Accepts<RawSocket>>;
  /** Starts a program. */
  spawn(command: string, options: SpawnOptions): Promise<ChildProcess>;
  /** Whether something is allowed; it never prompts the user. */
  isGranted(permission: Permission): boolean;
  /** Calls a function when this process exits by itself. */
  onExit(act: () => void): void;
}
