import {
  applyMask,
  type FrameHeader,
  MAX_HEADER_BYTES,
  Opcode,
  parseHeader,
  type WebSocketError,
  writeHeader,
} from "./frame.ts";

/** The longest frame that is written, header included. */
const FRAME_BYTES = 64 * 1024;

/** What writing needs of the connection below. */
export interface FrameSink {
  write(bytes: Uint8Array): Promise<void>;
}

/** How to write frames. */
export interface FrameWriterOptions {
  /** Whether frames are masked: a client's must be, a server's must not. */
  readonly masked: boolean;
  /** Whether what is written are unmasked frames, one after another. */
  readonly messages: boolean;
}

/**
 * Writes data and control frames, one frame at a time. A long payload becomes
 * several frames, so that a control frame can go between them.
 */
export class FrameWriter {
  readonly #sink: FrameSink;
  readonly #options: FrameWriterOptions;
  readonly #scratch = new Uint8Array(FRAME_BYTES);
  /** The write under way; the next one begins after it. */
  #last: Promise<void> = Promise.resolve();
  /** The frame that the caller is writing, and how much of it is still to come. */
  #frame: FrameHeader | undefined;
  #left = 0;
  #first = true;
  /** The error of frames after the Close frame. */
  #closed: WebSocketError | undefined;
  /** The start of a header that the caller has not written whole. */
  #head: Uint8Array = new Uint8Array(0);

  constructor(sink: FrameSink, options: FrameWriterOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** Writes data: a message, or some bytes of frames. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#options.messages) return await this.#writeFrames(bytes);
    await this.#writePayload(bytes, Opcode.BINARY, true);
  }

  /** Writes a control frame; its payload has 125 bytes at most. */
  control(opcode: number, payload: Uint8Array): Promise<void> {
    return this.#writeFrame(payload, opcode, true);
  }

  /**
   * Writes a Close frame; nothing goes out after it (RFC 6455 §5.5.1).
   *
   * @param why The error of writes that come later.
   */
  close(payload: Uint8Array, why: WebSocketError): Promise<void> {
    const written = this.control(Opcode.CLOSE, payload);
    this.#closed ??= why;
    return written;
  }

  async #writeFrames(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0 || this.#frame && this.#left === 0) {
      if (!this.#frame) {
        rest = this.#takeHeader(rest);
        continue;
      }
      const { opcode, fin } = this.#frame;
      const part = rest.subarray(0, this.#left);
      rest = rest.subarray(part.length);
      this.#left -= part.length;
      const last = this.#left === 0;
      await this.#writePayload(
        part,
        this.#first ? opcode : Opcode.CONTINUATION,
        last && fin,
      );
      this.#first = false;
      if (last) this.#frame = undefined;
    }
  }

  /** Takes a header off the front, as far as it is there; returns the rest. */
  #takeHeader(bytes: Uint8Array): Uint8Array {
    const held = this.#head.length;
    const head = new Uint8Array(
      Math.min(MAX_HEADER_BYTES, held + bytes.length),
    );
    head.set(this.#head);
    head.set(bytes.subarray(0, head.length - held), held);
    const header = parseHeader(head);
    if (!header) {
      this.#head = head;
      return bytes.subarray(bytes.length);
    }
    this.#head = new Uint8Array(0);
    this.#frame = header;
    this.#left = header.length;
    this.#first = true;
    return bytes.subarray(header.size - held);
  }

  async #writePayload(
    payload: Uint8Array,
    opcode: number,
    fin: boolean,
  ): Promise<void> {
    const most = FRAME_BYTES - MAX_HEADER_BYTES;
    let at = 0;
    do {
      const part = payload.subarray(at, at + most);
      const kind = at === 0 ? opcode : Opcode.CONTINUATION;
      at += part.length;
      await this.#writeFrame(part, kind, fin && at === payload.length);
    } while (at < payload.length);
  }

  #writeFrame(
    payload: Uint8Array,
    opcode: number,
    fin: boolean,
  ): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    const write = this.#last.then(() => {
      const mask = this.#options.masked
        ? crypto.getRandomValues(new Uint8Array(4))
        : undefined;
      const { length } = payload;
      const header = { fin, opcode, length, mask };
      const size = writeHeader(this.#scratch, header);
      const content = this.#scratch.subarray(size, size + length);
      content.set(payload);
      if (mask) applyMask(content, mask, 0);
      return this.#sink.write(this.#scratch.subarray(0, size + length));
    });
    // The next write fails by itself.
    this.#last = write.catch(() => {});
    return write;
  }
}
