import type {
  Channel,
  ChannelAction,
  ReadOutcome,
} from "../_channel/channel.ts";
import { osError } from "../_socket/os_error.ts";
import { systemErrors } from "../_util/system_errors.ts";
import type { Pipe } from "./pipe.ts";

/** One end of two pipes. */
export class MemoryChannel implements Channel {
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  readonly #name: string;

  /** @param name The peer, as errors call it. */
  constructor(incoming: Pipe, outgoing: Pipe, name: string) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#name = name;
  }

  read(into: Uint8Array): ReadOutcome {
    return this.#incoming.read(into);
  }

  write(bytes: Uint8Array): Promise<number> | number {
    return this.#outgoing.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#outgoing.end();
    return Promise.resolve();
  }

  closeRead(): void {
    this.#incoming.stop();
  }

  close(): Promise<void> {
    this.#incoming.stop();
    return Promise.resolve();
  }

  abort(reason: unknown): void {
    const reset = () =>
      new systemErrors.ConnectionReset("the peer has reset the connection");
    this.#incoming.fail(reason, reset());
    this.#outgoing.fail(reset(), reason);
  }

  explain(action: ChannelAction, cause?: unknown): unknown {
    return osError(
      `${action} ${this.#name}`,
      cause ?? new systemErrors.BadResource("the connection is closed"),
    );
  }
}
