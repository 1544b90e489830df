import { RingBuffer } from "./ring_buffer.ts";

const NOTHING = new Uint8Array(0);
const CHUNK = 64 * 1024;

/** A read past the stream that waits. */
interface Read extends PromiseWithResolvers<number | null> {
  readonly into: Uint8Array;
}

/**
 * One direction of a connection in memory: what is written at one end is read
 * at the other, with a bounded buffer between; by the streams, or past them.
 *
 * A write is done when a reader or the buffer has taken all of its chunk. So
 * at most the buffer and one chunk are ever held.
 */
export class Pipe {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #address: string;
  readonly #buffer: RingBuffer;
  #source?: ReadableByteStreamController;
  #sink?: WritableStreamDefaultController;

  /** The stream wants bytes. */
  #wanted = false;
  #read?: Read;
  /** Reading has ended, or has failed. */
  #readEnded = false;
  #readFailure?: { readonly reason: unknown };
  /** Writing has ended, or has failed. */
  #writeEnded = false;
  #writeFailure?: { readonly reason: unknown };

  /** The write in flight: the rest of its chunk, and its promise. */
  #rest: Uint8Array = NOTHING;
  #taken?: PromiseWithResolvers<void>;

  /** Writes that the writable has accepted, and those of them that are done. */
  #accepted = 0;
  #done = 0;
  /** Who waits in `finish()`, and for how many writes. */
  #finishing?: { resolve: () => void; after: number };

  constructor(address: string, highWaterMark: number) {
    this.#address = address;
    this.#buffer = new RingBuffer(highWaterMark);
    this.readable = new ReadableStream({
      type: "bytes",
      start: (controller) => void (this.#source = controller),
      pull: () => {
        this.#wanted = true;
        this.#flow();
      },
      cancel: () => {
        this.#readEnded = true;
        this.stop();
      },
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#sink = controller;
        // abort() is called only once the write in flight has ended.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.#dropWrite(signal.reason));
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#end(),
      abort: (reason) => this.reset(reason),
    }, {
      highWaterMark: 1,
      // Called for each write as it is accepted: with a writer locked by
      // somebody else, the only sight of what is queued in front of the sink.
      size: () => {
        this.#accepted++;
        return 1;
      },
    });
  }

  /** Reads past the stream, one read at a time; `null` at the end. */
  read(into: Uint8Array): Promise<number | null> {
    if (this.#readFailure) return Promise.reject(this.#readFailure.reason);
    if (this.#readEnded) return Promise.resolve(null);
    const read = { ...Promise.withResolvers<number | null>(), into };
    this.#read = read;
    this.#flow();
    return read.promise;
  }

  /** Writes past the stream, one write at a time. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#writeFailure) throw this.#writeFailure.reason;
    this.#accepted++;
    await this.#write(chunk);
  }

  /** Ends writing past the stream. */
  end(): Promise<void> {
    if (this.#writeFailure) return Promise.reject(this.#writeFailure.reason);
    this.#end();
    return Promise.resolve();
  }

  /** The reader goes: the readable ends, and writes fail as into a broken pipe. */
  stop(): void {
    this.#buffer.clear();
    this.#endReadable();
    this.#failWritable(
      new Deno.errors.BrokenPipe(
        `Write to ${this.#address}: the peer has stopped reading`,
      ),
    );
  }

  /**
   * The writer finishes what it has written up to now, and ends. Fulfils also
   * when that fails: the write that is lost has rejected.
   */
  async finish(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#finishing = { resolve, after: this.#accepted };
    this.#finishIfDone();
    await promise;
    // A close() that is queued behind the last write goes first: the stream
    // comes to it one turn after that write.
    await null;
    if (this.#writeEnded) return;
    this.#failWritable(this.#closed());
    this.#flow();
  }

  /** The writer fails with the reason, and the reader sees a reset. */
  reset(reason: unknown): void {
    this.#fail(this.#connectionReset("Read from"), reason);
  }

  /** The reader fails with the reason, and the writer sees a reset. */
  refuse(reason: unknown): void {
    this.#fail(reason, this.#connectionReset("Write to"));
  }

  #write(chunk: Uint8Array): Promise<void> | undefined {
    if (!(chunk instanceof Uint8Array)) {
      const error = new TypeError(
        `Write to ${this.#address}: chunk is ${chunk}: it must be a Uint8Array`,
      );
      this.reset(error);
      throw error;
    }
    if (this.#writeEnded) throw this.#closed();
    this.#rest = chunk;
    this.#flow();
    if (this.#rest.length === 0) {
      this.#countWrite();
      return undefined;
    }
    this.#taken = Promise.withResolvers();
    return this.#taken.promise;
  }

  #countWrite(): void {
    this.#done++;
    this.#finishIfDone();
  }

  #finishIfDone(): void {
    const finishing = this.#finishing;
    if (!finishing) return;
    if (this.#writeEnded || this.#done >= finishing.after) finishing.resolve();
  }

  #end(): void {
    this.#writeEnded = true;
    this.#finishIfDone();
    this.#flow();
  }

  /** Moves what can be moved. Reads are served first: that saves a copy. */
  #flow(): void {
    const available = this.#buffer.length + this.#rest.length;
    if (this.#wanted && available > 0) this.#serve(available);
    const read = available > 0 ? this.#endRead() : undefined;
    read?.resolve(this.#take(read.into));
    if (this.#rest.length > 0) {
      this.#rest = this.#rest.subarray(this.#buffer.write(this.#rest));
    }
    // An empty view would hold on to all of the memory that it is a view of.
    if (this.#rest.length === 0) this.#rest = NOTHING;
    if (this.#taken && this.#rest.length === 0) {
      this.#taken.resolve();
      this.#taken = undefined;
      this.#countWrite();
    }
    if (this.#writeEnded && this.#buffer.length === 0) this.#endReadable();
  }

  #serve(available: number): void {
    this.#wanted = false;
    const request = this.#source?.byobRequest;
    if (request?.view) {
      const { buffer, byteOffset, byteLength } = request.view;
      request.respond(
        this.#take(new Uint8Array(buffer, byteOffset, byteLength)),
      );
    } else {
      const chunk = new Uint8Array(Math.min(available, CHUNK));
      this.#take(chunk);
      this.#source?.enqueue(chunk);
    }
  }

  #take(into: Uint8Array): number {
    const buffered = this.#buffer.read(into);
    const direct = this.#rest.subarray(0, into.length - buffered);
    into.set(direct, buffered);
    this.#rest = this.#rest.subarray(direct.length);
    return buffered + direct.length;
  }

  #endReadable(): void {
    if (this.#readEnded) return;
    this.#readEnded = true;
    this.#endRead()?.resolve(null);
    try {
      this.#source?.close();
      // A BYOB read that is pending gets its end only by this (WHATWG Streams
      // §4.7.3).
      this.#source?.byobRequest?.respond(0);
    } catch {
      // The stream has ended within an element of a view of wider ones: close()
      // has failed the read.
    }
  }

  #fail(readError: unknown, writeError: unknown): void {
    this.#buffer.clear();
    this.#readEnded = true;
    this.#readFailure ??= { reason: readError };
    this.#endRead()?.reject(readError);
    this.#source?.error(readError);
    this.#failWritable(writeError);
  }

  #failWritable(error: unknown): void {
    this.#writeEnded = true;
    this.#writeFailure ??= { reason: error };
    this.#sink?.error(error);
    this.#dropWrite(error);
    this.#finishIfDone();
  }

  #dropWrite(error: unknown): void {
    this.#rest = NOTHING;
    this.#taken?.reject(error);
    this.#taken = undefined;
  }

  /** Who waits for a read, which is over. */
  #endRead(): Read | undefined {
    const read = this.#read;
    this.#read = undefined;
    return read;
  }

  #closed(): Error {
    return new Deno.errors.BadResource(
      `Write to ${this.#address}: the connection is closed`,
    );
  }

  #connectionReset(action: string): Error {
    return new Deno.errors.ConnectionReset(
      `${action} ${this.#address}: the peer has reset the connection`,
    );
  }
}
