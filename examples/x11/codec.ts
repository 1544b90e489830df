import type { Codec, CodecInput, CodecOptions } from "@parley/parley";

export const ERROR = 0;
export const REPLY = 1;
const GENERIC_EVENT = 35;
const SENT_BY_A_CLIENT = 0x80;

/** The codec of the set-up, which has a layout of its own. */
export function setup(options?: CodecOptions): Codec<Uint8Array> {
  return sized(8, (input) => 8 + 4 * input.uint(6, 2, "little"), options);
}

/** The codec of all that follows: units of 32 bytes, some with more behind. */
export function messages(options?: CodecOptions): Codec<Uint8Array> {
  return sized(32, (input) => {
    const code = codeOf(input.subarray(0, 1));
    const hasMore = code === REPLY || code === GENERIC_EVENT;
    return 32 + (hasMore ? 4 * input.uint(4, 4, "little") : 0);
  }, options);
}

/** What a message is: an error, a reply, or else the code of an event. */
export function codeOf([first = 0]: Uint8Array): number {
  return first & ~SENT_BY_A_CLIENT;
}

/** A codec of messages whose first bytes tell the size. */
function sized(
  head: number,
  sizeOf: (input: CodecInput) => number,
  { maxMessageBytes = 16 * 1024 * 1024 }: CodecOptions = {},
): Codec<Uint8Array> {
  return {
    decode(input) {
      if (input.length < head) return undefined;
      const size = sizeOf(input);
      return input.expect(size, maxMessageBytes) ? input.take(size) : undefined;
    },
    encode: (request, output) => output.bytes(request),
  };
}
