import { ChannelConnection } from "../../transports/_channel/connection.ts";
import { MemoryChannel } from "../../transports/_memory/memory_channel.ts";
import { Pipe } from "../../transports/_memory/pipe.ts";
import { type Connection, formatAddress } from "../../transports/mod.ts";
import { relay } from "./relay.ts";
import type { FaultSchedule } from "./schedule.ts";
import { systemErrors } from "../../transports/_util/system_errors.ts";

/** The faults of both directions, and the seed to show. */
export interface InjectedFaults {
  readonly read: FaultSchedule;
  readonly write: FaultSchedule;
  readonly seed: number;
}

/** A connection that passes on what goes either way of a real one, with faults. */
export function faultyConnection(
  real: Connection,
  faults: InjectedFaults,
): Connection {
  const connection: Connection = new ChannelConnection(
    new FaultyChannel(real, faults, (reason) => connection.abort(reason)),
    real,
  );
  return connection;
}

/** A connection in memory whose other end is relayed to the real one. */
class FaultyChannel extends MemoryChannel {
  readonly #real: Connection;
  // Without buffers: bytes that a fault has split stay split.
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  readonly #ended = new AbortController();
  readonly #received: Promise<void>;
  readonly #sent: Promise<void>;

  constructor(
    real: Connection,
    { read, write, seed }: InjectedFaults,
    abort: (reason: unknown) => void,
  ) {
    const address = formatAddress(real.remoteAddress);
    const name = `${address} with faults from seed ${seed}`;
    const incoming = new Pipe(0);
    const outgoing = new Pipe(0);
    super(incoming, outgoing, name);
    this.#real = real;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    const cancel = () => real.readable.cancel();
    const link = {
      ended: this.#ended.signal,
      truncate: () => this.#truncate(),
      reset: (where: string) =>
        abort(
          new systemErrors.ConnectionReset(
            `Connection to ${name}: reset by a fault after ${where}`,
          ),
        ),
    };
    this.#received = relay(read, link, {
      read: (into) => real.read(into),
      stop: cancel,
      readFailed: (error) => incoming.fail(error, error),
      write: (bytes) => incoming.write(bytes),
      end: () => incoming.end(),
      writeFailed: () => void cancel().catch(() => {}),
    });
    this.#sent = relay(write, link, {
      read: (into) => outgoing.read(into),
      stop: () => outgoing.stop(),
      readFailed: (error) => real.abort(error),
      write: (bytes) => real.write(bytes),
      end: () => real.closeWrite(),
      writeFailed: (error) => outgoing.fail(error, error),
    });
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#sent;
    await this.#real.close();
    this.#ended.abort();
    await this.#received;
  }

  override abort(reason: unknown): void {
    this.#ended.abort();
    super.abort(reason);
    this.#real.abort(reason);
  }

  async #truncate(): Promise<void> {
    this.#outgoing.stop();
    this.#incoming.end();
    await this.#real.close();
  }
}
