import type { Codec, CodecOutput } from "../../../protocol/mod.ts";

/** A client's codec that also encodes the messages of a server. */
export function encodingCodec<In>(
  codec: Codec<In, never>,
  encode: (message: In, output: CodecOutput) => void,
): Codec<In> {
  return {
    decode: codec.decode.bind(codec),
    end: codec.end?.bind(codec),
    encode,
  };
}
