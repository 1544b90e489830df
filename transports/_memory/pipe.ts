import type { ReadOutcome } from "../_channel/channel.ts";
import { systemErrors } from "../_util/system_errors.ts";
import { RingBuffer } from "./ring_buffer.ts";

/** A read that waits. */
interface Read {
  readonly into: Uint8Array;
  resolve(outcome: number | null): void;
  reject(reason: unknown): void;
}

/** A write that waits: its bytes that nobody has taken. */
interface Write {
  rest: Uint8Array;
  resolve(): void;
  reject(reason: unknown): void;
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
  #write: Write | undefined;
  #writeFailure: { readonly reason: unknown } | undefined;
  /** Writing has ended. */
  #ended = false;
  /** Reading has ended. */
  #stopped = false;

  constructor(highWaterMark: number) {
    this.#buffer = new RingBuffer(highWaterMark);
  }

  /** Reads some bytes: their number, or `null` at the end. */
  read(into: Uint8Array): ReadOutcome {
    if (this.#readFailure) throw this.#readFailure.reason;
    if (this.#stopped) return null;
    const count = this.#take(into);
    if (count > 0 || into.length === 0) return count;
    return new Promise((resolve, reject) => {
      this.#read = { into, resolve, reject };
    });
  }

  /** Writes all of the bytes, and gives their number. */
  write(bytes: Uint8Array): Promise<number> | number {
    if (this.#writeFailure) throw this.#writeFailure.reason;
    const { length } = bytes;
    if (length === 0) return 0;
    const rest = this.#serve(bytes);
    const left = rest.subarray(this.#buffer.write(rest));
    if (left.length === 0) return length;
    return new Promise((resolve, reject) => {
      this.#write = { rest: left, resolve: () => resolve(length), reject };
    });
  }

  /** Ends writing: the reader reads what is in the buffer, and then the end. */
  end(): void {
    this.#ended = true;
    this.#stopIfEmpty();
  }

  /** Ends reading: writes fail as into a broken pipe. */
  stop(): void {
    this.#stop();
    this.#failWrites(
      new systemErrors.BrokenPipe("the peer has stopped reading"),
    );
  }

  /** Fails both ends, each with a reason of its own. */
  fail(readReason: unknown, writeReason: unknown): void {
    this.#readFailure ??= { reason: readReason };
    this.#endRead()?.reject(readReason);
    this.#stop();
    this.#failWrites(writeReason);
  }

  /** Gives bytes to the read that waits, which saves a copy; gives the rest. */
  #serve(bytes: Uint8Array): Uint8Array {
    const read = this.#endRead();
    if (!read) return bytes;
    const part = bytes.subarray(0, read.into.length);
    read.into.set(part);
    read.resolve(part.length);
    return bytes.subarray(part.length);
  }

  /** Moves bytes of the buffer, and of the write that waits. */
  #take(into: Uint8Array): number {
    let count = this.#buffer.read(into);
    const write = this.#write;
    if (write) {
      const direct = write.rest.subarray(0, into.length - count);
      into.set(direct, count);
      count += direct.length;
      const rest = write.rest.subarray(direct.length);
      write.rest = rest.subarray(this.#buffer.write(rest));
      if (write.rest.length === 0) {
        this.#write = undefined;
        write.resolve();
      }
    }
    this.#stopIfEmpty();
    return count;
  }

  #stopIfEmpty(): void {
    if (this.#ended && !this.#write && this.#buffer.length === 0) this.#stop();
  }

  #stop(): void {
    this.#stopped = true;
    this.#buffer.clear();
    this.#endRead()?.resolve(null);
  }

  #failWrites(reason: unknown): void {
    this.#writeFailure ??= { reason };
    this.#write?.reject(reason);
    this.#write = undefined;
  }

  /** The read that waits, which is over. */
  #endRead(): Read | undefined {
    const read = this.#read;
    this.#read = undefined;
    return read;
  }
}
