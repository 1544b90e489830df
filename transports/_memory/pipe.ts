import { RingBuffer } from "./ring_buffer.ts";

const NOTHING = new Uint8Array(0);

/** A read that waits. */
interface Read extends PromiseWithResolvers<number | null> {
  readonly into: Uint8Array;
}

/**
 * One direction of a connection in memory: bytes that one end writes are read at
 * the other end, with a bounded buffer between.
 *
 * A write is done when a reader or the buffer has taken all of its bytes. So at
 * most the buffer and the bytes of one write are held.
 */
export class Pipe {
  readonly #buffer: RingBuffer;
  #read: Read | undefined;
  #readFailure: { readonly reason: unknown } | undefined;
  /** Reading has ended. */
  #stopped = false;

  /** The bytes of the write in flight that are not taken, and its promise. */
  #rest: Uint8Array = NOTHING;
  #taken: PromiseWithResolvers<void> | undefined;
  #writeFailure: { readonly reason: unknown } | undefined;
  /** Writing has ended. */
  #ended = false;

  constructor(highWaterMark: number) {
    this.#buffer = new RingBuffer(highWaterMark);
  }

  /** Reads some bytes: their number, or `null` at the end. */
  read(into: Uint8Array): Promise<number | null> {
    if (this.#readFailure) return Promise.reject(this.#readFailure.reason);
    if (this.#stopped) return Promise.resolve(null);
    const read = { ...Promise.withResolvers<number | null>(), into };
    this.#read = read;
    this.#flow();
    return read.promise;
  }

  /** Writes all of the bytes, and gives their number. */
  async write(bytes: Uint8Array): Promise<number> {
    if (this.#writeFailure) throw this.#writeFailure.reason;
    this.#rest = bytes;
    this.#flow();
    if (this.#rest.length > 0) {
      this.#taken = Promise.withResolvers();
      await this.#taken.promise;
    }
    return bytes.length;
  }

  /** Ends writing: the reader reads what is in the buffer, and then the end. */
  end(): void {
    this.#ended = true;
    this.#flow();
  }

  /** Ends reading: writes fail as into a broken pipe. */
  stop(): void {
    this.#stop();
    this.#failWrites(
      new Deno.errors.BrokenPipe("the peer has stopped reading"),
    );
  }

  /** Fails both ends, each with a reason of its own. */
  fail(readReason: unknown, writeReason: unknown): void {
    this.#readFailure ??= { reason: readReason };
    this.#endRead()?.reject(readReason);
    this.#stop();
    this.#failWrites(writeReason);
  }

  /** Moves what can be moved. A read is served first: that saves a copy. */
  #flow(): void {
    if (this.#buffer.length + this.#rest.length > 0) {
      const read = this.#endRead();
      read?.resolve(this.#take(read.into));
    }
    if (this.#rest.length > 0) {
      this.#rest = this.#rest.subarray(this.#buffer.write(this.#rest));
    }
    if (this.#rest.length === 0) {
      // An empty view would keep all of the memory that it is a view of.
      this.#rest = NOTHING;
      this.#taken?.resolve();
      this.#taken = undefined;
      if (this.#ended && this.#buffer.length === 0) this.#stop();
    }
  }

  #take(into: Uint8Array): number {
    const buffered = this.#buffer.read(into);
    const direct = this.#rest.subarray(0, into.length - buffered);
    into.set(direct, buffered);
    this.#rest = this.#rest.subarray(direct.length);
    return buffered + direct.length;
  }

  #stop(): void {
    this.#stopped = true;
    this.#buffer.clear();
    this.#endRead()?.resolve(null);
  }

  #failWrites(reason: unknown): void {
    this.#writeFailure ??= { reason };
    this.#rest = NOTHING;
    this.#taken?.reject(reason);
    this.#taken = undefined;
  }

  /** The read that waits, which is over. */
  #endRead(): Read | undefined {
    const read = this.#read;
    this.#read = undefined;
    return read;
  }
}
