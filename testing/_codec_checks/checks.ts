import type { Codec, CodecOptions } from "../../protocol/codecs/mod.ts";
import { MessageTooLargeError, ProtocolError } from "../../protocol/errors.ts";
import type { AnyMessage, CodecCase } from "../codec_case.ts";
import { testRunner } from "../_util/test_runner.ts";
import { CountingBuffer } from "./counting_buffer.ts";
import {
  bytes,
  chunksOf,
  cutAt,
  cuts,
  type DecodedStream,
  decodeStream,
  encodeAll,
} from "./decoding.ts";
import {
  type Arbitrary,
  array,
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertProperty,
  constantFrom,
  double,
  property,
} from "../_deps.ts";

/** What a header and the byte that is one too many may have at the most. */
const SLACK_BYTES = 8 * 1024;
const NO_LIMIT: CodecOptions = { maxMessageBytes: Infinity };

/** Gives the bytes of one message that has at least so many. */
export type MakeInput = (bytes: number) => Uint8Array;

/** How much was checked. */
interface Tally {
  streams: number;
  bytes: number;
}

const tallies = new Map<string, Tally>();

/** The count of all checks of one name, which is printed at the end. */
function tallyOf(name: string): Tally {
  let tally = tallies.get(name);
  if (!tally) {
    const started = tally = { streams: 0, bytes: 0 };
    tallies.set(name, started);
    testRunner.after(() => {
      const { streams, bytes } = started;
      if (streams) {
        console.log(`${name}: ${streams} streams decoded, ${bytes} bytes`);
      }
    });
  }
  return tally;
}

/** The laws of a codec as tests, and a count of what they have checked. */
export class CodecChecks<In, Out> {
  readonly #name: string;
  readonly #create: (options: CodecOptions) => Codec<In, Out>;
  readonly #tally: Tally;

  constructor(
    name: string,
    create: (options: CodecOptions) => Codec<In, Out>,
  ) {
    this.#name = name;
    this.#create = create;
    this.#tally = tallyOf(name);
  }

  /** A case is decoded alike, however it is cut. */
  decodes(title: string, { input, messages, error }: CodecCase<In>): void {
    this.#test(`decodes ${title}, split at every byte`, () => {
      for (const chunks of cuts(contentOf(input))) {
        const decoded = this.#decode(chunks);
        if (error) {
          assertInstanceOf(decoded.error, error.class);
          for (const [member, value] of Object.entries(error.has ?? {})) {
            assertEquals(Reflect.get(decoded.error, member), value, member);
          }
          if (error.cause) assertInstanceOf(decoded.error.cause, error.cause);
        } else if (decoded.error) {
          throw decoded.error;
        }
        assertEquals(decoded.messages, messages);
      }
    });
  }

  /** A stream that is cut ends in an error, unless the cut is between messages. */
  refusesCuts(cases: CodecCase<In>[]): void {
    this.#test("takes no stream that is cut for a whole one", () => {
      for (const { input, messages } of cases) {
        const content = contentOf(input);
        for (let length = 0; length < content.length; length++) {
          const decoded = this.#decode([content.subarray(0, length)]);
          const { complete, error } = decoded;
          const whole = decoded.messages.slice(0, complete);
          assertEquals(whole, messages.slice(0, complete));
          if (error) assertInstanceOf(error, ProtocolError);
          // The end of the stream may complete a message, if the codec says so.
          else if (decoded.messages.length === complete) {
            this.#assertBetween(decoded, content, length, messages);
          }
        }
      }
    });
  }

  /**
   * A cut is between messages if it is right behind one, or if the rest of the
   * stream is decoded to the other messages.
   */
  #assertBetween(
    { complete, offset }: DecodedStream<In>,
    content: Uint8Array,
    length: number,
    messages: In[],
  ): void {
    if (length === offset) return;
    // Errors that are messages tell offsets: the rest begins at its own.
    const input = new CountingBuffer();
    input.append(content.subarray(0, length));
    input.consume(length);
    const rest = this.#decode([content.subarray(length)], {}, input);
    assertEquals(
      rest.messages,
      messages.slice(complete),
      `A stream that is cut after ${length} of ${content.length} bytes ends without an error, expected a ProtocolError`,
    );
  }

  /** Messages come back as they were encoded: any, or else those of the cases. */
  givesBack(cases: CodecCase<In>[], any?: AnyMessage<Out>): void {
    // An arbitrary of fast-check has the form of AnyMessage.
    const message = any as Arbitrary<Out> | undefined ?? this.#encodable(cases);
    if (!message) return;
    this.#test("gives back any messages, however their bytes are cut", () => {
      const fraction = double({ min: 0, max: 1, noNaN: true });
      const check = (messages: Out[], fractions: number[]) => {
        const encoded = encodeAll(this.#create(NO_LIMIT), messages);
        const decoded = this.#decode(cutAt(encoded, fractions), NO_LIMIT);
        if (decoded.error) throw decoded.error;
        assertEquals<unknown>(decoded.messages, messages);
      };
      assertProperty(property(array(message), array(fraction), check));
    });
  }

  /** A message is refused if, and only if, it is larger than the limit. */
  keepsLimit(make: MakeInput, max: number): void {
    this.#test(
      "takes a message up to its limit and refuses a larger one",
      () => {
        const content = make(Math.min(50, max));
        let fits = content.length;
        while (fits > 1 && !this.#isTooLarge([content], fits - 1)) fits--;
        assertLess(1, fits, "Every limit lets the message through");
        for (const chunks of cuts(content)) {
          const { messages, error } = this.#decode(chunks, {
            maxMessageBytes: fits,
          });
          if (error) throw error;
          assertEquals(messages.length, 1);
          assert(this.#isTooLarge(chunks, fits - 1));
        }
      },
    );

    this.#test(
      "refuses a message over its limit before it is all there",
      () => {
        const size = Math.min(10 * SLACK_BYTES, max);
        const limit = Math.min(1000, Math.floor(size / 2));
        const content = make(size);
        assertLess(size - 1, content.length, "The large message is too small");
        const early = content.subarray(0, limit + SLACK_BYTES);
        assert(this.#isTooLarge(chunksOf(early, 100), limit));
      },
    );
  }

  /** The cost of a message is linear in its bytes. */
  costsInProportion(make: MakeInput, max: number): void {
    this.#test(
      "looks at each byte of a message a bounded number of times",
      () => {
        const cost = (size: number) => {
          const content = make(size);
          const input = new CountingBuffer();
          const chunks = chunksOf(content, 1);
          const { messages, error } = this.#decode(chunks, NO_LIMIT, input);
          if (error) throw error;
          assertEquals(messages.length, 1);
          return input.seen / content.length;
        };
        const size = Math.min(20_000, max);
        const [small, large] = [cost(Math.ceil(size / 10)), cost(size)];
        assertLess(
          large,
          2 * small,
          `${small} looks at each byte of a small message, ${large} of a large one`,
        );
      },
    );
  }

  /** The bytes of a message as the codec encodes it. */
  encoded(message: Out): Uint8Array {
    return encodeAll(this.#create(NO_LIMIT), [message]);
  }

  #encodable(cases: CodecCase<In>[]): Arbitrary<Out> | undefined {
    const messages = cases.flatMap(({ messages }) => messages);
    const encodable = (messages as unknown[] as Out[]).filter((message) => {
      try {
        return encodeAll(this.#create({}), [message]);
      } catch {
        return false;
      }
    });
    return encodable.length > 0 ? constantFrom(...encodable) : undefined;
  }

  #test(law: string, check: () => void): void {
    testRunner.register({ name: `${this.#name} ${law}`, fn: check });
  }

  #decode(
    chunks: Uint8Array[],
    options: CodecOptions = {},
    input?: CountingBuffer,
  ): DecodedStream<In> {
    this.#tally.streams++;
    for (const chunk of chunks) this.#tally.bytes += chunk.length;
    return decodeStream(this.#create(options), chunks, input);
  }

  #isTooLarge(chunks: Uint8Array[], maxMessageBytes: number): boolean {
    const { error } = this.#decode(chunks, { maxMessageBytes });
    return error instanceof MessageTooLargeError;
  }
}

function contentOf(input: string | Uint8Array): Uint8Array {
  return typeof input === "string" ? bytes(input) : input;
}
