import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  MessageTooLargeError,
  TruncatedMessageError,
} from "@parley/parley";
import { concat } from "@std/bytes";
import { Push, RedisError } from "./value.ts";
import type { Command, Message, Value } from "./value.ts";

/** Options of {@linkcode resp}. */
export interface RespOptions extends CodecOptions {
  /**
   * Asked when a reply begins: whether its strings are bytes instead of text.
   *
   * @default {() => false}
   */
  binary?: (() => boolean) | undefined;
}

/** Makes the codec of one session: RESP3, of which RESP2 is a part. */
export function resp(options: RespOptions = {}): Codec<Message, Command> {
  return new Resp(options);
}

const NOT_RESP3 = "Message is not RESP3";
const CR = 0x0d;
const LF = 0x0a;
const MAX_DEPTH = 128;
const END = Symbol("end of a streamed value");
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A value of several parts that is arriving; `size` is infinite if streamed. */
interface Aggregate {
  readonly type: string;
  readonly size: number;
  readonly items: Value[];
}

type Item = Value | Aggregate | typeof END;

class Resp implements Codec<Message, Command> {
  readonly #limit: number;
  readonly #binary: () => boolean;
  /** The aggregates that the next item is in, the innermost last. */
  readonly #open: Aggregate[] = [];
  /** Whether a part of the current message is consumed. */
  #begun = false;
  /** Where the current message begins, in bytes from the start of the stream. */
  #start = 0;
  #asBytes = false;
  /** Up to where there is no CR, from the start of the stream. */
  #scanned = 0;

  constructor({ maxMessageBytes = 1024 * 1024, binary }: RespOptions) {
    this.#limit = maxMessageBytes;
    this.#binary = binary ?? (() => false);
  }

  decode(input: CodecInput): Message | undefined {
    for (;;) {
      if (!this.#begun) {
        this.#start = input.offset;
        this.#asBytes = this.#binary();
      }
      const item = this.#item(input);
      if (item === undefined) return undefined; // more bytes are needed
      this.#checkSize(input.offset);
      const message = this.#place(item, input);
      this.#begun = message === undefined;
      if (message !== undefined) return message;
    }
  }

  end(input: CodecInput): Message | undefined {
    const message = this.decode(input);
    const isBetween = !this.#begun && input.length === 0;
    if (message !== undefined || isBetween) return message;
    const length = input.offset + input.length - this.#start;
    throw new TruncatedMessageError(this.#start, length);
  }

  encode(command: Command, output: CodecOutput): void {
    if (command.length < 1) throw new TypeError("Cannot encode: empty command");
    let text = `*${command.length}\r\n`;
    for (const argument of command) {
      if (argument instanceof Uint8Array) {
        output.text(`${text}$${argument.length}\r\n`);
        output.bytes(argument);
        text = "\r\n";
      } else {
        const string = String(argument);
        text += `$${utf8Length(string)}\r\n${string}\r\n`;
      }
    }
    output.text(text);
  }

  /** Takes the next item: a value, the begin of an aggregate, or an end. */
  #item(input: CodecInput): Item | undefined {
    const end = input.indexOf(CR, Math.max(0, this.#scanned - input.offset));
    this.#scanned = input.offset + (end < 0 ? input.length : end);
    this.#checkSize(this.#scanned);
    if (end < 0 || input.length < end + 2) return undefined;
    if (input.at(end + 1) !== LF) throw input.malformed(NOT_RESP3);
    const type = String.fromCharCode(input.at(0) ?? 0);
    const isInString = this.#open.at(-1)?.type === "$";
    if (isInString !== (type === ";")) throw input.malformed(NOT_RESP3);
    if ("$!=;".includes(type)) return this.#string(type, end, input);
    const item = "*~%>|".includes(type)
      ? this.#aggregate(type, this.#length(end, input))
      : scalar(type, decoder.decode(input.subarray(1, end)));
    if (item === undefined) throw input.malformed(NOT_RESP3);
    input.consume(end + 2);
    return item;
  }

  /** Takes a string whose length is known, or a part of one that is streamed. */
  #string(type: string, end: number, input: CodecInput): Item | undefined {
    const length = this.#length(end, input);
    const isEnd = length === 0 && type === ";";
    if (length < 0 || length === Infinity || isEnd) {
      input.consume(end + 2);
      if (isEnd) return END;
      return length < 0 ? null : { type: "$", size: length, items: [] };
    }
    const from = end + 2;
    const to = from + length;
    this.#checkSize(input.offset + to + 2);
    if (!input.expect(to + 2)) return undefined;
    if (input.at(to) !== CR || input.at(to + 1) !== LF) {
      throw input.malformed(NOT_RESP3);
    }
    const asBytes = type === ";" || type === "$" && this.#wantsBytes;
    if (asBytes) return input.take(to + 2, from, to);
    // A verbatim string says its format first, such as "txt:".
    const start = type === "=" ? from + 4 : from;
    const text = decoder.decode(input.subarray(start, to));
    input.consume(to + 2);
    return type === "!" ? new RedisError(text) : text;
  }

  #aggregate(type: string, length: number): Item | undefined {
    if (length < 0) return null;
    if (this.#open.length === MAX_DEPTH) return undefined;
    const size = "%|".includes(type) ? 2 * length : length;
    return { type, size, items: [] };
  }

  /** The number in a header: infinite if it is "?", -1 if there is no value. */
  #length(end: number, input: CodecInput): number {
    let length = 0;
    for (let at = 1; at < end; at++) {
      const digit = (input.at(at) ?? 0) - 0x30;
      if (digit < 0 || digit > 9) {
        const text = decoder.decode(input.subarray(1, end));
        if (text === "?") return Infinity;
        if (text === "-1") return -1;
        throw input.malformed(NOT_RESP3);
      }
      length = 10 * length + digit;
    }
    if (end > 1 && Number.isSafeInteger(length)) return length;
    throw input.malformed(NOT_RESP3);
  }

  /** Puts an item where it belongs: returns the message that it completes. */
  #place(item: Item, input: CodecInput): Message | undefined {
    let done: Message | undefined;
    if (item === END) done = this.#close(input);
    else if (!isAggregate(item)) done = item;
    else if (item.size > 0) this.#open.push(item);
    else done = valueOf(item);
    while (done !== undefined) {
      const parent = this.#open.at(-1);
      if (!parent) return done;
      if (done instanceof Push) throw input.malformed(NOT_RESP3);
      parent.items.push(done);
      if (parent.items.length < parent.size) return undefined;
      this.#open.pop();
      done = valueOf(parent);
    }
    return undefined;
  }

  /** Closes the streamed value that is arriving. */
  #close(input: CodecInput): Message | undefined {
    const last = this.#open.pop();
    const isPaired = last?.type !== "%" || last.items.length % 2 === 0;
    if (last?.size !== Infinity || !isPaired) throw input.malformed(NOT_RESP3);
    if (last.type !== "$") return valueOf(last);
    const bytes = concat(last.items as Uint8Array[]);
    return this.#wantsBytes ? bytes : decoder.decode(bytes);
  }

  /** A push may come where a reply of bytes is awaited: it is text. */
  get #wantsBytes(): boolean {
    return this.#asBytes && this.#open[0]?.type !== ">";
  }

  #checkSize(end: number): void {
    if (end - this.#start <= this.#limit) return;
    throw new MessageTooLargeError(this.#limit, this.#start);
  }
}

/** A value that is a line; undefined if the line is malformed. */
function scalar(type: string, text: string): Item | undefined {
  switch (type) {
    case "+":
      return text;
    case "-":
      return new RedisError(text);
    case ":":
    case "(":
      if (!/^[-+]?\d+$/.test(text)) return undefined;
      return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
    case ",":
      if (/^-?inf$/i.test(text)) return text[0] === "-" ? -Infinity : Infinity;
      return /^([-+]?\d|nan$)/i.test(text) ? Number(text) : undefined;
    default:
      return LINES.get(type + text);
  }
}

const LINES = new Map<string, Item>(
  [["#t", true], ["#f", false], ["_", null], [".", END]],
);

function isAggregate(item: Value | Aggregate): item is Aggregate {
  return typeof item === "object" && item !== null && "items" in item;
}

/** The value of all items. An attribute is not a value: it describes the next one. */
function valueOf({ type, items }: Aggregate): Message | undefined {
  switch (type) {
    case "~":
      return new Set(items);
    case "%":
      return new Map(pairs(items));
    case ">":
      return new Push(items);
    case "|":
      return undefined;
    default:
      return items;
  }
}

function* pairs(items: Value[]): Generator<[Value, Value]> {
  for (let at = 0; at + 1 < items.length; at += 2) {
    yield [items[at] ?? null, items[at + 1] ?? null];
  }
}

/** How many bytes a text has in UTF-8; a lone surrogate becomes U+FFFD. */
function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    length += unit < 0x800 ? 1 : 2;
    if ((text.codePointAt(at) ?? 0) > 0xffff) at++; // 2 units, 4 bytes
  }
  return length;
}
