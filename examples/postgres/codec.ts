import {
  type Codec,
  type CodecOptions,
  type CodecOutput,
  WriteBuffer,
} from "@parley/parley";
import {
  type Backend,
  type BackendSign,
  type Bind,
  type Column,
  type ErrorFields,
  FRONTEND,
  type Frontend,
} from "./messages.ts";

/** The type and the length in front of a message of the server. */
const HEADER_BYTES = 5;
const NOT_POSTGRES = "Message is not PostgreSQL's";
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Makes the codec of a session: version 3 of PostgreSQL's protocol. */
export function postgres(options: CodecOptions = {}): Codec<Backend, Frontend> {
  const { maxMessageBytes = 1024 * 1024 } = options;
  const scratch = new WriteBuffer();
  return {
    decode(input) {
      if (input.length < HEADER_BYTES) return undefined;
      const size = 1 + input.uint(1, 4);
      if (size < HEADER_BYTES) throw input.malformed(NOT_POSTGRES);
      if (!input.expect(size, maxMessageBytes)) return undefined;
      const type = String.fromCharCode(input.at(0) ?? 0);
      if (type === "d") {
        return { type: "CopyData", data: input.take(size, HEADER_BYTES) };
      }
      const body = new Body(input.subarray(HEADER_BYTES, size));
      const message = read(type, body);
      if (!message || body.overrun) throw input.malformed(NOT_POSTGRES);
      input.consume(size);
      return message;
    },
    encode(message, output) {
      scratch.encode(bodies, message);
      output.text(FRONTEND[message.type]);
      output.uint(4 + scratch.length, 4);
      output.bytes(scratch.take());
      scratch.giveBack();
    },
  };
}

/** The codec until a server has answered SSLRequest, by one byte. */
export function sslAnswer(): Codec<Backend, Frontend> {
  return {
    decode(input) {
      if (input.length === 0) return undefined;
      const accepted = input.at(0) === 0x53; // "S"
      if (!accepted && input.at(0) !== 0x4e) {
        throw input.malformed(NOT_POSTGRES);
      }
      input.consume(1);
      return { type: "SSLResponse", accepted };
    },
    encode: postgres().encode,
  };
}

/** The types of messages of which nothing else matters here. */
const SIGNS: Record<string, BackendSign> = {
  "Z": "ReadyForQuery",
  "1": "ParseComplete",
  "2": "BindComplete",
  "t": "ParameterDescription",
  "n": "NoData",
  "I": "EmptyQueryResponse",
  "G": "CopyInResponse",
  "H": "CopyOutResponse",
  "c": "CopyDone",
};

/** The message of a type; undefined if there is no such type. */
function read(type: string, body: Body): Backend | undefined {
  switch (type) {
    case "D":
      return { type: "DataRow", values: readValues(body) };
    case "C":
      return { type: "CommandComplete", tag: body.text() };
    case "T":
      return { type: "RowDescription", columns: readColumns(body) };
    case "E":
      return { type: "ErrorResponse", fields: readFields(body) };
    case "N":
      return { type: "NoticeResponse", fields: readFields(body) };
    case "A": {
      const processId = body.int(4);
      const [channel, payload] = [body.text(), body.text()];
      const notification = { processId, channel, payload };
      return { type: "NotificationResponse", notification };
    }
    case "S":
      return { type: "ParameterStatus", name: body.text(), value: body.text() };
    case "K": {
      const [processId, secretKey] = [body.int(4), body.int(4)];
      return { type: "BackendKeyData", processId, secretKey };
    }
    case "R": {
      const code = body.int(4);
      return { type: "Authentication", code, data: body.rest().slice() };
    }
    default: {
      const sign = SIGNS[type];
      return sign && { type: sign };
    }
  }
}

function readValues(body: Body): (string | null)[] {
  const values: (string | null)[] = [];
  for (let count = body.int(2); count > 0 && !body.overrun; count--) {
    const length = body.int(4);
    values.push(length < 0 ? null : body.string(length));
  }
  return values;
}

function readColumns(body: Body): Column[] {
  const columns: Column[] = [];
  for (let count = body.int(2); count > 0 && !body.overrun; count--) {
    const name = body.text();
    body.skip(6); // table, number of the column
    const type = body.int(4) >>> 0; // an OID has no sign
    body.skip(8); // size, modifier, format
    columns.push({ name, type });
  }
  return columns;
}

function readFields(body: Body): ErrorFields {
  const fields: Record<string, string> = {};
  for (let letter = body.int(1); letter !== 0; letter = body.int(1)) {
    fields[String.fromCharCode(letter)] = body.text();
  }
  return fields;
}

/** What is behind the header of a message, read from its front to its end. */
class Body {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** All of it as text, if each character of that is one byte. */
  #text: string | false | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether more was read than there is: what was read says nothing then. */
  get overrun(): boolean {
    return this.#at > this.#bytes.length;
  }

  /** A number, which has a sign if it has 4 bytes; zeros are behind the end. */
  int(size: 1 | 2 | 4): number {
    let value = 0;
    for (let left = size; left > 0; left--) {
      value = value << 8 | (this.#bytes[this.#at++] ?? 0);
    }
    return value;
  }

  /** Text that ends in a zero byte. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const text = this.string(end < 0 ? Infinity : end - this.#at);
    this.skip(1);
    return text;
  }

  /** To decode all at once, and cut, takes less time than to decode each. */
  string(length: number): string {
    const start = this.#at;
    this.skip(length);
    if (this.overrun) return "";
    if (this.#text === undefined) {
      const text = decoder.decode(this.#bytes);
      this.#text = text.length === this.#bytes.length && text;
    }
    return this.#text === false
      ? decoder.decode(this.#bytes.subarray(start, this.#at))
      : this.#text.slice(start, this.#at);
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  skip(count: number): void {
    this.#at += count;
  }
}

/** Writes what is behind the header of a message. */
const bodies: Codec<never, Frontend> = {
  decode: () => undefined,
  encode: write,
};

function write(message: Frontend, output: CodecOutput): void {
  if (message.type === "Bind") return writeBind(message, output);
  for (const part of message.body ?? []) {
    if (typeof part === "number") output.int(part, 4);
    else if (typeof part === "string") output.text(part);
    else output.bytes(part);
  }
}

function writeBind({ name, parameters }: Bind, output: CodecOutput): void {
  output.text(`\0${name}\0`); // the unnamed portal
  output.uint(parameters.length, 2);
  for (const parameter of parameters) {
    output.uint(parameter instanceof Uint8Array ? 1 : 0, 2);
  }
  output.uint(parameters.length, 2);
  for (const parameter of parameters) {
    if (parameter === null) output.int(-1, 4);
    else {
      const isText = typeof parameter === "string";
      const bytes = isText ? encoder.encode(parameter) : parameter;
      output.uint(bytes.length, 4);
      output.bytes(bytes);
    }
  }
  output.uint(0, 2); // results as text
}
