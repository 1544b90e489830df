import type { Codec, CodecOptions } from "../../protocol/codecs/mod.ts";
import { MessageTooLargeError, ProtocolError } from "../../protocol/errors.ts";
import type { AnyMessage, CodecCase } from "../codec_case.ts";
import { CountingBuffer } from "./counting_buffer.ts";
import {
  bytes,
  chunksOf,
  cutAt,
  cuts,
  decodeChunks,
  type Decoded,
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

/** What a header may take, and what may come with the byte that is one too many. */
const SLACK_BYTES = 8 * 1024;
const NO_LIMIT: CodecOptions = { maxMessageBytes: Infinity };

/** How much was checked. */
interface Tally {
  streams: number;
  bytes: number;
}

const tallies = new Map<string, Tally>();

/** What all checks of one name count together, and print at the end. */
function tallyOf(name: string): Tally {
  let tally = tallies.get(name);
  if (!tally) {
    const started = tally = { streams: 0, bytes: 0 };
    tallies.set(name, started);
    Deno.test.afterAll(() => {
      const { streams, bytes } = started;
      if (streams) {
        console.log(`${name}: ${streams} streams decoded, ${bytes} bytes`);
      }
    });
  }
  return tally;
}

/** The promises of one codec, as tests, and how much they have checked. */
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

  /** A case decodes alike however it is cut. */
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

  /** A stream cut short gives no message that was not there. */
  endsInOrder(cases: CodecCase<In>[]): void {
    this.#test("gives nothing new of a stream that is cut short", () => {
      for (const { input, messages } of cases) {
        const content = contentOf(input);
        for (let length = 0; length < content.length; length++) {
          const decoded = this.#decode([content.subarray(0, length)]);
          if (decoded.error) assertInstanceOf(decoded.error, ProtocolError);
          // What the end of a stream completes may be the beginning of a message.
          const whole = this.#create({}).end
            ? decoded.messages.slice(0, -1)
            : decoded.messages;
          assertEquals(whole, messages.slice(0, whole.length));
        }
      }
    });
  }

  /** What is encoded comes back: any messages, or else those of the cases. */
  givesBack(cases: CodecCase<In>[], any?: AnyMessage<Out>): void {
    // AnyMessage is what an arbitrary looks like from outside.
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

  /** What is larger than the limit is refused, and nothing else. */
  keepsLimit(sized: (bytes: number) => Out): void {
    this.#test(
      "takes a message up to its limit and refuses a larger one",
      () => {
        const encoded = encodeAll(this.#create({}), [sized(50)]);
        let fits = encoded.length;
        while (fits > 1 && !this.#isTooLarge([encoded], fits - 1)) fits--;
        assertLess(1, fits, "Every limit lets the message through");
        for (const chunks of cuts(encoded)) {
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
        const limit = 1000;
        const encoded = encodeAll(
          this.#create(NO_LIMIT),
          [sized(10 * SLACK_BYTES)],
        );
        assertLess(
          10 * SLACK_BYTES - 1,
          encoded.length,
          "sized() made too little",
        );
        const early = encoded.subarray(0, limit + SLACK_BYTES);
        assert(this.#isTooLarge(chunksOf(early, 100), limit));
      },
    );
  }

  /** The cost of a message is linear in its bytes. */
  costsInProportion(sized: (bytes: number) => Out): void {
    this.#test(
      "looks at each byte of a message a bounded number of times",
      () => {
        const cost = (size: number) => {
          const encoded = encodeAll(this.#create(NO_LIMIT), [sized(size)]);
          const input = new CountingBuffer();
          const chunks = chunksOf(encoded, 1);
          const { messages } = this.#decode(chunks, NO_LIMIT, input);
          assertEquals(messages.length, 1);
          return input.seen / encoded.length;
        };
        const [small, large] = [cost(2_000), cost(20_000)];
        assertLess(
          large,
          2 * small,
          `${small} looks at each byte of 2,000, ${large} at each of 20,000`,
        );
      },
    );
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

  #test(promise: string, check: () => void): void {
    Deno.test(`${this.#name} ${promise}`, check);
  }

  #decode(
    chunks: Uint8Array[],
    options: CodecOptions = {},
    input?: CountingBuffer,
  ): Decoded<In> {
    this.#tally.streams++;
    for (const chunk of chunks) this.#tally.bytes += chunk.length;
    return decodeChunks(this.#create(options), chunks, input);
  }

  #isTooLarge(chunks: Uint8Array[], maxMessageBytes: number): boolean {
    const { error } = this.#decode(chunks, { maxMessageBytes });
    return error instanceof MessageTooLargeError;
  }
}

function contentOf(input: string | Uint8Array): Uint8Array {
  return typeof input === "string" ? bytes(input) : input;
}
