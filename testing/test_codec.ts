import type { Codec, CodecOptions } from "../protocol/codecs/mod.ts";
import type { AnyMessage, CodecCase } from "./codec_case.ts";
import { CodecChecks } from "./_codec_checks/checks.ts";

/** Options of {@linkcode testCodec}. */
export interface TestCodecOptions<Out> {
  /**
   * Any message that can be encoded and comes back equal.
   *
   * @default {the messages of the cases that can be encoded}
   */
  messages?: AnyMessage<Out>;
  /**
   * Makes a message that takes at least so many bytes when it is encoded. With
   * it the limit and the cost of large messages are tested.
   *
   * @default {undefined}
   */
  sized?: (bytes: number) => Out;
}

/**
 * Registers a test for each promise that codecs make.
 *
 * - Each case decodes alike however its bytes are cut: not at all, in two at
 *   every byte, into single bytes.
 * - A stream that is cut short gives no message that was not there, and ends in
 *   a `ProtocolError` unless it is cut between messages.
 * - What is encoded comes back, for any messages and any cuts.
 * - With `sized`: a message over `maxMessageBytes` is refused, however it is
 *   cut and before it is all there, and one of the limit is not; and the number
 *   of bytes looked at grows with a message in proportion, also where it comes
 *   byte by byte. A view of the buffer counts as looked at.
 *
 * At the end it prints how much was checked.
 *
 * @param name What the tests are called by.
 * @param codec Makes a codec: one serves one stream. It is given the limit to
 * keep, where there is one.
 * @param cases Streams of bytes by what is in them, such as "two lines".
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
  const { sized, messages } = options;
  checks.endsInOrder(Object.values(cases));
  checks.givesBack(Object.values(cases), messages);
  if (sized) {
    checks.keepsLimit(sized);
    checks.costsInProportion(sized);
  }
}
