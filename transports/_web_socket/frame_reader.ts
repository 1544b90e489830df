import {
  applyMask,
  type FrameHeader,
  isControl,
  MAX_HEADER_BYTES,
  Opcode,
  parseHeader,
  WebSocketError,
  writeHeader,
} from "./frame.ts";

const BUFFER_BYTES = 64 * 1024;

/** With messages, a read has room for a header and a byte. */
export const MIN_MESSAGE_READ = MAX_HEADER_BYTES + 1;

/** What reading needs of the connection below. */
export interface FrameSource {
  read(into: Uint8Array): Promise<number | null>;
}

/** What to do with the frames. */
export interface FrameReaderOptions {
  /** Whether the peer must mask its frames: clients must, servers must not. */
  readonly masked: boolean;
  /** Whether messages keep their bounds: a header goes before each piece. */
  readonly messages: boolean;
  /** Takes a control frame; true if nothing more is read. */
  control(opcode: number, payload: Uint8Array): boolean;
}

/**
 * The payload in a stream of frames. At most a buffer of 64 KiB is held; a frame
 * may be of any length.
 */
export class FrameReader {
  readonly #source: FrameSource;
  readonly #options: FrameReaderOptions;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  /** The frame whose payload is being read, and how much of it was. */
  #frame: FrameHeader | undefined;
  #position = 0;
  /** Whether a message has begun and not ended. */
  #inMessage = false;
  /** Checks that the text of a message is UTF-8 (RFC 6455 §8.1). */
  #text: TextDecoder | undefined;
  /** Whether the next piece of the frame is its first. */
  #first = true;
  /** Whether a control frame has ended the reading. */
  #ended = false;

  /** @param initial Bytes that came with the handshake. */
  constructor(
    source: FrameSource,
    initial: Uint8Array,
    options: FrameReaderOptions,
  ) {
    this.#source = source;
    this.#options = options;
    this.#buffer.set(initial);
    this.#end = initial.length;
  }

  /**
   * Reads some bytes of data; `null` when the source has ended. With messages,
   * `into` has at least {@linkcode MIN_MESSAGE_READ} bytes, or none.
   *
   * @throws {WebSocketError} The peer breaks a rule.
   */
  async read(into: Uint8Array): Promise<number | null> {
    if (into.length === 0) return 0;
    while (!this.#ended) {
      if (this.#frame) {
        const count = this.#take(into);
        if (count > 0) return count;
        if (!this.#frame) continue;
      } else if (this.#next()) continue;
      if (!await this.#fill()) return null;
    }
    return null;
  }

  /** Takes a header of data or a control frame; false if it is not all here. */
  #next(): boolean {
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    const header = parseHeader(bytes);
    if (!header) return false;
    this.#check(header);
    const { opcode, size, length, mask } = header;
    if (!isControl(opcode)) {
      this.#start += size;
      this.#begin(header);
      return true;
    }
    if (bytes.length < size + length) return false;
    const payload = bytes.slice(size, size + length);
    if (mask) applyMask(payload, mask, 0);
    this.#start += size + length;
    this.#ended = this.#options.control(opcode, payload);
    return true;
  }

  #check({ opcode, mask }: FrameHeader): void {
    if (this.#options.masked !== (mask !== undefined)) {
      throw new WebSocketError(
        mask ? "a server's frame is masked" : "a client's frame is not masked",
      );
    }
    if (isControl(opcode)) return;
    const continues = opcode === Opcode.CONTINUATION;
    if (continues !== this.#inMessage) {
      throw new WebSocketError(
        continues
          ? "a continuation frame has nothing to continue"
          : "a message begins within another",
      );
    }
  }

  #begin(header: FrameHeader): void {
    this.#frame = header;
    this.#position = 0;
    this.#first = true;
    this.#inMessage = !header.fin;
    if (header.opcode === Opcode.TEXT) {
      this.#text = new TextDecoder("utf-8", { fatal: true });
    } else if (header.opcode === Opcode.BINARY) {
      this.#text = undefined;
    }
  }

  /** Moves what is here of the frame's payload out. */
  #take(into: Uint8Array): number {
    const frame = this.#frame;
    if (!frame) return 0;
    const left = frame.length - this.#position;
    const room = into.length - (this.#options.messages ? MAX_HEADER_BYTES : 0);
    const count = Math.min(left, this.#end - this.#start, room);
    if (count === 0 && left > 0) return 0;
    const piece = this.#buffer.subarray(this.#start, this.#start + count);
    if (frame.mask) applyMask(piece, frame.mask, this.#position);
    this.#position += count;
    const last = this.#position === frame.length;
    const fin = last && frame.fin;
    this.#checkText(piece, fin);
    const header = this.#options.messages
      ? writeHeader(into, {
        fin,
        opcode: this.#first ? frame.opcode : Opcode.CONTINUATION,
        length: count,
        mask: undefined,
      })
      : 0;
    into.set(piece, header);
    this.#start += count;
    this.#first = false;
    if (last) this.#frame = undefined;
    return header + count;
  }

  #checkText(piece: Uint8Array, fin: boolean): void {
    if (!this.#text) return;
    try {
      this.#text.decode(piece, { stream: !fin });
    } catch {
      throw new WebSocketError("a text message is not UTF-8", 1007);
    }
    if (fin) this.#text = undefined;
  }

  async #fill(): Promise<boolean> {
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const count = await this.#source.read(this.#buffer.subarray(this.#end));
    if (count === null) return false;
    this.#end += count;
    return true;
  }
}
