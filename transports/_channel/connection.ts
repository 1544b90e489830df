import type { TlsInfo } from "../tls_info.ts";
import type { Address, Connection } from "../transport.ts";
import type { Channel, ChannelAction, ReadOutcome } from "./channel.ts";
import { ReadableSide } from "./readable_side.ts";
import { WritableSide } from "./writable_side.ts";

/** The facts of a connection beside its bytes. */
export interface ConnectionFacts<A extends Address> {
  readonly localAddress: A;
  readonly remoteAddress: A;
  readonly tls?: TlsInfo | undefined;
}

interface Failure {
  readonly reason: unknown;
}

/**
 * A connection over a channel.
 *
 * `readable` and `writable` are made when they are first asked for, and read and
 * write through the same two methods as everybody else. When both directions
 * have ended, everything is released without `close()`.
 */
export class ChannelConnection<A extends Address> implements Connection<A> {
  readonly localAddress: A;
  readonly remoteAddress: A;
  readonly tls: TlsInfo | undefined;
  readonly #channel: Channel;
  readonly #minRead: number;

  #readable: ReadableSide | undefined;
  /** The channel's read in flight. */
  #reading: ReadOutcome | undefined;
  /** Nobody reads any more: at the end, or cancelled. */
  #readEnded = false;
  /** The channel has no more bytes. */
  #exhausted = false;
  #readFailure: Failure | undefined;

  #writable: WritableSide | undefined;
  /** Writes that were accepted and are not done. */
  #unwritten = 0;
  /** How many of these close() waits for. */
  #remaining = 0;
  #whenWritten: (() => void) | undefined;
  /** The end of writing, from when it is asked for. */
  #finishing: Promise<void> | undefined;
  /** The end of writing, from when the channel is told of it. */
  #ending: Promise<void> | undefined;
  /** The channel has ended writing, or could not. */
  #ended = false;
  #writeFailure: Failure | undefined;

  #closing: Promise<void> | undefined;
  #releasing = false;
  #aborted: Failure | undefined;
  #released = false;
  readonly #closed = Promise.withResolvers<void>();

  constructor(channel: Channel, facts: ConnectionFacts<A>) {
    this.#channel = channel;
    this.#minRead = channel.minRead ?? 1;
    this.localAddress = facts.localAddress;
    this.remoteAddress = facts.remoteAddress;
    this.tls = facts.tls;
    this.#closed.promise.catch(() => {});
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#readableSide.stream;
  }

  get writable(): WritableStream<Uint8Array> {
    return (this.#writable ??= this.#makeWritable()).stream;
  }

  read(into: Uint8Array): Promise<number | null> {
    const wrong = checkBytes("Cannot read", "into", into);
    if (wrong) return Promise.reject(wrong);
    const readable = this.#readable;
    if (readable && !this.#readFailure) {
      if (readable.stream.locked) return refuse("read", "readable is locked");
      if (readable.holdsBytes && into.length > 0) return readable.read(into);
    }
    if (this.#reading !== undefined) {
      return refuse("read", "another read is pending");
    }
    const isSmall = into.length > 0 && into.length < this.#minRead;
    if (isSmall && !this.#readFailure) {
      // The stream keeps what there is no room for.
      return this.#readableSide.read(into);
    }
    return this.#read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    const wrong = checkBytes("Cannot write", "bytes", bytes);
    if (wrong) return Promise.reject(wrong);
    if (!this.#writeFailure && !this.#ending) {
      const locked = this.#writable?.stream.locked;
      if (locked) return refuse("write", "writable is locked");
      if (this.#unwritten > 0) {
        return refuse("write", "another write is pending");
      }
    }
    this.#unwritten++;
    return this.#write(bytes);
  }

  closeWrite(): Promise<void> {
    if (this.#writeFailure) return Promise.reject(this.#writeFailure.reason);
    if (this.#ending) return this.#endWriting();
    const stream = this.#writable?.stream;
    if (!stream) return this.#finishing ??= this.#finishWriting();
    if (stream.locked) return refuse("end writing", "writable is locked");
    return this.#finishing ??= stream.close();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  abort(
    reason: unknown = new DOMException(
      "The connection was aborted",
      "AbortError",
    ),
  ): void {
    if (this.#released || this.#aborted) return;
    this.#aborted = this.#readFailure = this.#writeFailure = { reason };
    this.#readEnded = true;
    this.#readable?.error(reason);
    this.#writable?.error(reason);
    this.#whenWritten?.();
    const settle = () => this.#settle({ reason });
    const released = this.#channel.abort(reason);
    if (released) released.then(settle, settle);
    else settle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #readableSide(): ReadableSide {
    return this.#readable ??= this.#makeReadable();
  }

  #makeReadable(): ReadableSide {
    const read = (into: Uint8Array) => this.#read(into);
    const side = new ReadableSide(read, this.#minRead, () => {
      this.#readEnded = true;
      this.#channel.closeRead();
      this.#releaseIfEnded();
    });
    if (this.#readFailure) side.error(this.#readFailure.reason);
    else if (this.#readEnded) side.end();
    return side;
  }

  #makeWritable(): WritableSide {
    const side = new WritableSide({
      accepted: () => void this.#unwritten++,
      write: (chunk) => this.#writeChunk(chunk),
      close: () => this.#endWriting(),
      abort: (reason) => this.abort(reason),
    });
    if (this.#writeFailure) side.error(this.#writeFailure.reason);
    else if (this.#ending) side.stream.close().catch(() => {});
    return side;
  }

  async #read(into: Uint8Array): Promise<number | null> {
    if (this.#readFailure) throw this.#readFailure.reason;
    if (this.#readEnded || this.#releasing) return null;
    let count: number | null = null;
    try {
      count = await (this.#reading = this.#channel.read(into));
      // The system tells of a reset once, and shows the other direction an end.
      if (count === null) throwReset(this.#writeFailure);
    } catch (error) {
      // A read that our own release has interrupted has come to the end.
      if (!this.#releasing && !this.#readEnded) {
        this.#readFailure ??= { reason: this.#explain("Read from", error) };
      }
    }
    this.#reading = undefined;
    if (this.#aborted) throw this.#aborted.reason;
    if (count === null) {
      this.#exhausted = true;
      this.#readEnded = true;
      this.#releaseIfEnded();
      if (this.#readFailure) throw this.#readFailure.reason;
      this.#readable?.end();
    }
    return count;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      if (this.#writeFailure) throw this.#writeFailure.reason;
      if (this.#ending) throw this.#channel.explain("Write to");
      let written = await this.#channel.write(bytes);
      while (written < bytes.length) {
        written += await this.#channel.write(bytes.subarray(written));
      }
    } catch (error) {
      if (!this.#writeFailure && !this.#ending) this.#failWriting(error);
      throw this.#writeFailure ? this.#writeFailure.reason : error;
    } finally {
      this.#unwritten--;
      if (this.#remaining > 0 && --this.#remaining === 0) this.#whenWritten?.();
    }
  }

  /** A wrong chunk fails the stream: the peer must not take that for an end. */
  #writeChunk(chunk: unknown): Promise<void> {
    const wrong = checkBytes("Cannot write", "chunk", chunk);
    if (!wrong) return this.#write(chunk as Uint8Array);
    this.abort(wrong);
    return Promise.reject(wrong);
  }

  #failWriting(error: unknown): void {
    this.#writeFailure = { reason: this.#explain("Write to", error) };
    this.#whenWritten?.();
    this.#releaseIfEnded();
  }

  async #endWriting(): Promise<void> {
    this.#ending ??= this.#channel.closeWrite();
    try {
      await this.#ending;
    } catch (error) {
      throw this.#explain("Write to", error);
    } finally {
      this.#ended = true;
      this.#whenWritten?.();
      this.#releaseIfEnded();
    }
  }

  /** Ends writing after the writes made so far; later ones reject. */
  async #finishWriting(): Promise<void> {
    if (this.#unwritten > 0 && !this.#ending && !this.#writeFailure) {
      this.#remaining = this.#unwritten;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#whenWritten = () => {
        // At once: no write may come between.
        if (!this.#writeFailure) this.#ending ??= this.#channel.closeWrite();
        resolve();
      };
      await promise;
    }
    if (this.#writeFailure) throw this.#writeFailure.reason;
    await this.#endWriting();
  }

  async #close(): Promise<void> {
    this.#channel.closing?.();
    this.#channel.closeRead();
    // A write that fails tells its own caller.
    await (this.#finishing ??= this.#finishWriting()).catch(() => {});
    this.#release();
    try {
      await this.closed;
    } catch (error) {
      if (!this.#aborted) throw error;
    }
  }

  #releaseIfEnded(): void {
    const writeEnded = this.#ended || this.#writeFailure !== undefined;
    if (this.#readEnded && writeEnded) this.#release();
  }

  #release(): void {
    if (this.#releasing || this.#aborted) return;
    this.#releasing = true;
    this.#channel.close(this.#reading, this.#exhausted).then(
      () => this.#settle(),
      (reason) => this.#settle({ reason }),
    );
  }

  /** Everything is released. */
  #settle(failure?: Failure): void {
    if (this.#released) return;
    this.#released = true;
    this.#readEnded = true;
    if (this.#readFailure) this.#readable?.error(this.#readFailure.reason);
    else this.#readable?.end();
    const { reason } = this.#writeFailure ??
      { reason: this.#channel.explain("Write to") };
    this.#writable?.error(reason);
    if (failure) this.#closed.reject(failure.reason);
    else this.#closed.resolve();
  }

  #explain(action: ChannelAction, error: unknown): unknown {
    return this.#aborted
      ? this.#aborted.reason
      : this.#channel.explain(action, error);
  }
}

function refuse(action: string, why: string): Promise<never> {
  return Promise.reject(new TypeError(`Cannot ${action}: ${why}`));
}

function checkBytes(
  action: string,
  name: string,
  value: unknown,
): TypeError | undefined {
  if (value instanceof Uint8Array) return undefined;
  const type = Object.prototype.toString.call(value).slice(8, -1);
  return new TypeError(`${action}: ${name} is ${type}, expected a Uint8Array`);
}

function throwReset(failure: Failure | undefined): void {
  const error = failure?.reason;
  if (error instanceof Error && error.name === "ConnectionReset") throw error;
}
