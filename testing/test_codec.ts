import type { Codec, CodecOptions } from "../protocol/codecs/mod.ts";
import type { AnyMessage, CodecCase } from "./codec_case.ts";
import { CodecChecks } from "./_codec_checks/checks.ts";
import { bytes } from "./_codec_checks/decoding.ts";

/** Options of {@linkcode testCodec}. */
export interface TestCodecOptions<Out> {
  /**
   * Any message that can be encoded and comes back equal.
   *
   * @default {the messages of the cases that can be encoded}
   */
  messages?: AnyMessage<Out> | undefined;
  /**
   * Whether the codec decodes the messages that it encodes. A client's codec that
   * encodes commands and decodes replies does not.
   *
   * @default {true}
   */
  roundTrip?: boolean | undefined;
  /**
   * Makes a message that has at least so many bytes when it is encoded. With it the
   * limit and the cost of large messages are tested.
   *
   * @default {undefined}
   */
  sized?: ((bytes: number) => Out) | undefined;
  /**
   * Makes the bytes of one message to decode, at least so many: instead of `sized`,
   * for a codec that does not decode what it encodes.
   *
   * @default {undefined}
   */
  sizedInput?: ((bytes: number) => string | Uint8Array) | undefined;
  /**
   * The most bytes that `sized` or `sizedInput` is asked for: less than 65,536 for a
   * format whose lengths have 2 bytes.
   *
   * @default {81920}
   */
  maxSized?: number | undefined;
}

/** The largest message that a check asks for. */
const MAX_SIZED = 80 * 1024;

/**
 * Registers a test for each law of codecs.
 *
 * - Each case is decoded alike, however its bytes are cut: not at all, in two at
 *   every byte, into single bytes.
 * - A stream that is cut gives no message that was not there, and ends in a
 *   `ProtocolError` unless the cut is between messages. A codec that has an `end()`
 *   may complete a message there.
 * - Messages come back as they were encoded, however their bytes are cut.
 * - With `sized` or `sizedInput`: a message over `maxMessageBytes` is refused,
 *   however it is cut and before it is all there, and one of the limit is not; and
 *   the number of bytes looked at grows in proportion to the message, also if it
 *   arrives byte by byte. A view of the input counts as looked at.
 *
 * At the end it prints how much was checked.
 *
 * @param name The first words of the tests' names.
 * @param codec Makes a codec, because one serves one stream. It gets the limit to
 * keep, if there is one.
 * @param cases Streams of bytes by their content, such as "two lines".
 *
 * @example A codec of one's own
 * ```ts ignore
 * import { testCodec } from "@parley/parley/testing";
 * import { lines, TruncatedMessageError } from "@parley/parley/codecs";
 *
 * testCodec("lines()", (options) => lines(options), {
 *   "two lines": { input: "one\ntwo\r\n", messages: ["one", "two"] },
 *   "up to a line without an end": {
 *     input: "one\ntwo",
 *     messages: ["one"],
 *     error: { class: TruncatedMessageError, has: { offset: 4, length: 3 } },
 *   },
 * }, { sized: (bytes) => "x".repeat(bytes) });
 * ```
 */
export function testCodec<In, Out = In>(
  name: string,
  codec: (options: CodecOptions) => Codec<In, Out>,
  cases: Record<string, CodecCase<NoInfer<In>>>,
  options: TestCodecOptions<NoInfer<Out>> = {},
): void {
  const checks = new CodecChecks(name, codec);
  for (const [title, table] of Object.entries(cases)) {
    checks.decodes(title, table);
  }
  const { sized, sizedInput, messages } = options;
  const { roundTrip = true, maxSized = MAX_SIZED } = options;
  checks.refusesCuts(Object.values(cases));
  if (roundTrip) checks.givesBack(Object.values(cases), messages);
  let make: ((size: number) => Uint8Array) | undefined;
  if (sized) make = (size) => checks.encoded(sized(size));
  if (sizedInput) make = (size) => bytes(sizedInput(size));
  if (make) {
    checks.keepsLimit(make, maxSized);
    checks.costsInProportion(make, maxSized);
  }
}
